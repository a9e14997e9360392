import { confirmed, freshKey, openTab, osType, replacePage, toast } from '../../adapter/platform.js';
import { isRefused, isUnreachable } from '../../api/asking.js';
import { cancelOrder, getOrder, payOrder } from '../../api/client.js';
import { Questions } from '../../lib/asked.js';
import { cameBack } from '../../lib/binding.js';
import { checkAgain, link } from '../../lib/linking.js';
import { paymentMethods, takes } from '../../lib/methods.js';
import { contents, isPending } from '../../lib/orders.js';
import { money, say, trouble, words } from '../../lib/words.js';

/**
 * @typedef {import('../../lib/methods.js').Method} Method
 * @typedef {{ walletId: string, name: string, label: string, initials: string, logo: string, promotion: string, tone: string, isChosen: boolean }} Choice
 */

const questions = new Questions();

Page({
  data: {
    words: words.cashier,
    common: words.common,
    isLoading: true,
    failure: '',
    isOpen: false,
    what: '',
    amount: '',
    /** @type {Method | null} */
    here: null,
    canLink: false,
    canNot: false,
    hasWallet: false,
    /** @type {Choice[]} */
    wallets: [],
    walletId: '',
    isPaying: false,
    said: { pay: '', with: '', once: '', link: '' },
    step: '',
    note: '',
    unsureId: '',
  },

  number: '',
  currency: '',
  /** Names one press of Pay in every repetition; empty between presses whose end is known. */
  key: '',
  /** The wallet that press was for: another one is another wish. */
  keyWallet: '',
  isBusy: false,

  onLoad(query) {
    this.number = query.number || '';
  },

  onShow() {
    cameBack();
    this.refresh();
  },

  /** The order is the server's, so it survives whatever happens to this page. */
  async refresh() {
    const isNews = questions.next();
    try {
      const order = await getOrder(this.number);
      const { here, bound } = await paymentMethods(order.amount);
      if (!isNews()) return;
      if (order.status === 'PAID' || isPending(order)) {
        this.showResult();
        return;
      }
      const { currency } = order.amount;
      this.currency = currency;
      const fit = bound.filter((method) => method.isActive && takes(method, currency));
      const chosen = fit.find((method) => method.walletId === this.data.walletId) || fit.find((one) => one.isHere) || fit[0];
      const canLink = Boolean(here && !here.isActive && !here.isEnding && here.isOffered && takes(here, currency));
      const places = { amount: money(order.amount), wallet: here ? here.name : '' };
      this.setData({
        isLoading: false,
        failure: '',
        isOpen: order.status === 'INIT',
        what: contents(order),
        amount: money(order.amount),
        here,
        canLink,
        canNot: !chosen && !canLink,
        hasWallet: Boolean(chosen),
        wallets: fit.map((method) => choice(method, chosen ? chosen.walletId : '')),
        walletId: chosen ? chosen.walletId : '',
        said: {
          pay: say(words.cashier.pay, places),
          with: say(words.cashier.payWith, places),
          once: say(words.cashier.once, places),
          link: say(words.methods.link, places),
        },
      });
    } catch (reason) {
      const failure = trouble(reason);
      if (isNews()) this.setData({ isLoading: false, failure });
    }
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.refresh();
  },

  /** @param {TapEvent} event */
  choose(event) {
    if (this.isBusy) return;
    const walletId = event.currentTarget.dataset.id || '';
    const wallets = this.data.wallets.map((one) => Object.assign({}, one, chosenMark(one.walletId === walletId)));
    this.setData({ walletId, wallets });
  },

  /** After binding the wallet is chosen, and nothing is charged: the buyer still presses Pay. */
  async link() {
    const outcome = await link(this, `pages/cashier/cashier?number=${this.number}`, this.currency);
    if (!outcome) return;
    if (outcome.walletId) this.setData({ walletId: outcome.walletId });
    await this.refresh();
  },

  async checkAgain() {
    const outcome = await checkAgain(this);
    if (!outcome) return;
    if (outcome.walletId) this.setData({ walletId: outcome.walletId });
    await this.refresh();
  },

  /** One press, one key; the same key for as long as nobody knows what became of the press. */
  async pay() {
    const { walletId } = this.data;
    if (this.isBusy || !walletId) return;
    this.isBusy = true;
    if (!this.key || this.keyWallet !== walletId) this.key = freshKey();
    this.keyWallet = walletId;
    this.setData({ isPaying: true, note: '' });
    try {
      await payOrder(this.number, { wallet_id: walletId, os_type: osType() }, this.key);
      this.key = '';
      this.showResult();
    } catch (reason) {
      const sentence = trouble(reason);
      const isUncertain = isUnreachable(reason);
      if (!isUncertain) this.key = '';
      this.setData({ isPaying: false, note: isUncertain ? `${sentence} ${words.cashier.twice}` : sentence });
      if (isRefused(reason)) await this.refresh();
    } finally {
      this.isBusy = false;
    }
  },

  async drop() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      const isSure = await confirmed({
        title: words.cashier.dropTitle,
        content: words.cashier.dropText,
        confirmButtonText: words.cashier.dropYes,
        cancelButtonText: words.common.keep,
      });
      if (!isSure) return;
      await cancelOrder(this.number, { reason_code: 'BUYER_REQUEST' }, freshKey());
      toast(words.cashier.dropped);
      this.back();
    } catch (reason) {
      this.setData({ note: trouble(reason) });
      await this.refresh();
    } finally {
      this.isBusy = false;
    }
  },

  back() {
    openTab('/pages/shop/shop');
  },

  showResult() {
    replacePage(`/pages/result/result?number=${this.number}`);
  },
});

/**
 * @param {Method} method
 * @param {string} chosen
 * @returns {Choice}
 */
function choice({ walletId, name, label, initials, logo, promotion }, chosen) {
  return Object.assign({ walletId, name, label, initials, logo, promotion }, chosenMark(walletId === chosen));
}

/** @param {boolean} isChosen */
function chosenMark(isChosen) {
  return { isChosen, tone: isChosen ? 'chosen' : '' };
}
