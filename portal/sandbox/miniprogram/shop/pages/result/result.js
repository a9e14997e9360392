import { get } from '../../api.js';
import { pause } from '../../platform.js';
import { contents, day, money, trouble } from '../../words.js';

const ASK_EVERY = 2500;
const ASK_FOR = 75000;

Page({
  title: 'Your order',
  data: { isLoading: true, failure: '', order: null },

  onLoad({ number }) {
    this.number = number;
    this.since = Date.now();
  },

  onShow() {
    this.isShown = true;
    this.watch();
  },

  onHide() {
    this.isShown = false;
  },

  onUnload() {
    this.isShown = false;
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.since = Date.now();
    this.watch();
  },

  /** Ask until it is decided, or for as long as anybody wants to look at a phone. Pending is never shown as failed. */
  async watch() {
    if (this.isWatching) return;
    this.isWatching = true;
    try {
      while (this.isShown) {
        const isPending = await this.refresh();
        if (!isPending || this.isLate()) break;
        await pause(ASK_EVERY);
      }
    } catch (reason) {
      this.setData({ isLoading: false, failure: trouble(reason) });
    } finally {
      this.isWatching = false;
    }
  },

  isLate() {
    return Date.now() - this.since >= ASK_FOR;
  },

  async refresh() {
    const order = await get(`/orders/${this.number}`);
    const { payment } = order;
    const status = payment?.status ?? order.status;
    const isReturned = Boolean(payment && payment.returned.value !== '0');
    const isPending = status === 'PENDING';
    const words = this.headline(status, payment, order, isPending && this.isLate());
    this.setData({
      isLoading: false,
      failure: '',
      ...words,
      what: contents(order),
      amount: order.amount.display,
      currency: order.amount.currency,
      number: order.number,
      from: payment ? `${payment.name} · ${payment.label}` : '',
      paidOn: payment?.paid_at ? day(payment.paid_at) : '',
      isReturned,
      returned: isReturned ? money(payment.returned) : '',
      isPending,
      canRetry: status === 'FAILED' && order.status === 'INIT',
      retryWord: payment?.reason?.action === 'retry' ? 'Try again' : 'Choose how to pay',
    });
    return isPending;
  },

  headline(status, payment, order, isLate) {
    if (status === 'PENDING' && isLate) {
      return tell('wait', 'We will inform you', 'The wallet has not answered yet. You need not wait here: the order shows how it ended.');
    }
    if (status === 'PENDING') return tell('wait', 'Processing…', 'We are waiting for the wallet. Please do not pay again.');
    if (order.status === 'REFUNDED') return tell('good', 'Given back', 'The money went back to your wallet.');
    if (status === 'PAID') return tell('good', 'Paid. Thank you!', 'Your order is on its way to the counter.');
    if (status === 'FAILED') return tell('bad', 'Not paid', payment.reason?.text ?? 'The wallet declined.');
    if (payment?.reason) return tell('', 'Cancelled', payment.reason.text);
    return tell('', 'Cancelled', 'Nothing was charged for this order.');
  },

  payAgain() {
    my.redirectTo({ url: `/pages/cashier/cashier?number=${this.number}` });
  },

  back() {
    my.navigateBack();
  },
});

function tell(tone, headline, sentence) {
  return { tone, isGood: tone === 'good', isBad: tone === 'bad', isWait: tone === 'wait', headline, sentence };
}
