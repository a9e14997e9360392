import { act, get } from '../../api.js';
import { bind, cameBack, check } from '../../binding.js';
import { paymentMethods } from '../../methods.js';
import { confirmed, freshKey, osType } from '../../platform.js';
import { contents, money, trouble } from '../../words.js';
import { Refused } from '../../wire.js';

Page({
  title: 'Pay',
  data: { isLoading: true, failure: '', order: null, wallets: [], walletId: '', step: '', note: '', unsureId: '' },

  onLoad({ number }) {
    this.number = number;
  },

  onShow() {
    cameBack();
    this.refresh();
  },

  /** The order is the server's, so it survives whatever happens to this page. */
  async refresh() {
    try {
      const [order, { here, bound }] = await Promise.all([get(`/orders/${this.number}`), paymentMethods()]);
      if (order.status === 'PAID' || order.payment?.status === 'PENDING') {
        this.showResult();
        return;
      }
      const { currency } = order.amount;
      const wallets = bound.filter((method) => method.isActive && method.currency === currency);
      const preferred = wallets.find((method) => method.accountId === this.data.walletId) ?? wallets[0];
      this.setData({
        isLoading: false,
        failure: '',
        order,
        here,
        what: contents(order),
        amount: order.amount.display,
        currency,
        sum: money(order.amount),
        isOpen: order.status === 'INIT',
        canLink: Boolean(here && !here.isActive && !here.isEnding && here.currency === currency),
        ...this.chosen(wallets, preferred?.accountId ?? ''),
      });
    } catch (reason) {
      const failure = trouble(reason);
      this.setData({ isLoading: false, failure });
    }
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.refresh();
  },

  chosen(wallets, walletId) {
    return {
      walletId,
      wallets: wallets.map((method) => ({ ...method, isChosen: method.accountId === walletId })),
      hasWallet: Boolean(walletId),
    };
  },

  choose({ currentTarget }) {
    if (this.data.isPaying) return;
    const { id } = currentTarget.dataset;
    // Another wallet is another wish: the key of the one before does not cover it.
    if (id !== this.data.walletId) this.key = null;
    this.setData(this.chosen(this.data.wallets, id));
  },

  async link() {
    this.setData({ note: '', unsureId: '' });
    const returnTo = `pages/cashier/cashier?number=${this.number}`;
    await this.follow(bind({ returnTo, tell: (step) => this.tell(step) }));
  },

  async checkAgain() {
    const id = this.data.unsureId;
    this.setData({ note: '', unsureId: '' });
    await this.follow(check(id, (step) => this.tell(step)));
  },

  tell(step) {
    const { name } = this.data.here;
    const words = { opening: `Opening ${name}…`, linking: `Linking ${name}…`, checking: `Checking with ${name}…` };
    this.setData({ step: words[step] });
  },

  /** After binding the wallet is chosen, and nothing is charged: the buyer still presses Pay. */
  async follow(binding) {
    const outcome = await binding;
    if (!outcome) return;
    const isUnsure = outcome.kind === 'unsure';
    this.setData({
      step: '',
      note: isUnsure || outcome.kind === 'failed' ? outcome.text : '',
      unsureId: isUnsure ? outcome.id : '',
      walletId: outcome.wallet?.id ?? this.data.walletId,
    });
    if (outcome.kind === 'bound' || outcome.kind === 'cancelled') my.showToast({ content: outcome.text });
    await this.refresh();
  },

  /** One press, one key; the same key as long as nobody knows what became of the press. */
  async pay() {
    if (this.data.isPaying || !this.data.walletId) return;
    this.setData({ isPaying: true, note: '' });
    this.key ??= freshKey();
    try {
      await act(`/orders/${this.number}/pay`, { wallet_id: this.data.walletId, os_type: osType() }, this.key);
      this.key = null;
      this.showResult();
    } catch (reason) {
      if (reason instanceof Refused) this.key = null;
      this.setData({ isPaying: false, note: this.refusal(reason) });
      if (reason instanceof Refused) await this.refresh();
    }
  },

  refusal(reason) {
    const sentence = trouble(reason);
    return reason instanceof Refused ? sentence : `${sentence} Pressing Pay again cannot charge you twice.`;
  },

  async drop() {
    if (this.data.isPaying) return;
    const isSure = await confirmed({
      title: 'Cancel this order?',
      content: 'Nothing was charged for it.',
      confirmButtonText: 'Cancel the order',
      cancelButtonText: 'Keep it',
    });
    if (!isSure) return;
    try {
      await act(`/orders/${this.number}/cancel`, { reason_code: 'BUYER_REQUEST' }, freshKey());
      my.showToast({ content: 'The order is cancelled.' });
      my.navigateBack();
    } catch (reason) {
      this.setData({ note: trouble(reason) });
      await this.refresh();
    }
  },

  back() {
    my.navigateBack();
  },

  showResult() {
    my.redirectTo({ url: `/pages/result/result?number=${this.number}` });
  },
});
