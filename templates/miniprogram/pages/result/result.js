import { openTab, pause, replacePage } from '../../adapter/platform.js';
import { getOrder } from '../../api/client.js';
import { contents, isPending } from '../../lib/orders.js';
import { day, money, reasonText, say, trouble, words } from '../../lib/words.js';

/**
 * @typedef {import('../../api/types').Order} Order
 * @typedef {{ tone: 'good' | 'bad' | 'wait' | 'plain', headline: string, sentence: string }} Told
 */

const ASK_EVERY_MILLISECONDS = 2500;
/** The portal asks the acquirer for a minute and cancels then: what is open after that is told of later. */
const ASK_FOR_MILLISECONDS = 75000;

Page({
  data: {
    words: words.result,
    common: words.common,
    isLoading: true,
    failure: '',
    tone: '',
    isWaiting: false,
    headline: '',
    sentence: '',
    what: '',
    amount: '',
    number: '',
    wallet: '',
    paidOn: '',
    returned: '',
    canPay: false,
    payWord: '',
  },

  number: '',
  since: 0,
  isShown: false,
  isWatching: false,

  onLoad(query) {
    this.number = query.number || '';
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
        const order = await getOrder(this.number);
        const isLate = Date.now() - this.since >= ASK_FOR_MILLISECONDS;
        this.show(order, isLate);
        if (!isPending(order) || isLate) break;
        await pause(ASK_EVERY_MILLISECONDS);
      }
    } catch (reason) {
      this.setData({ isLoading: false, failure: trouble(reason) });
    } finally {
      this.isWatching = false;
    }
  },

  /**
   * @param {Order} order
   * @param {boolean} isLate
   */
  show(order, isLate) {
    const { payment } = order;
    const told = toldOf(order, isLate);
    const isReturned = Boolean(payment && payment.returned.value !== '0');
    const action = payment && payment.reason ? payment.reason.action : '';
    this.setData({
      isLoading: false,
      failure: '',
      tone: told.tone,
      isWaiting: told.tone === 'wait',
      headline: told.headline,
      sentence: told.sentence,
      what: contents(order),
      amount: money(order.amount),
      number: order.number,
      wallet: payment ? `${payment.name} · ${payment.label}` : '',
      paidOn: payment && payment.paid_at ? day(payment.paid_at) : '',
      returned: payment && isReturned ? money(payment.returned) : '',
      canPay: order.status === 'INIT' && !isPending(order),
      payWord: action === 'retry' ? words.common.tryAgain : words.result.choose,
    });
  },

  payAgain() {
    replacePage(`/pages/cashier/cashier?number=${this.number}`);
  },

  back() {
    openTab('/pages/shop/shop');
  },
});

/**
 * @param {Order} order
 * @param {boolean} isLate
 * @returns {Told}
 */
function toldOf(order, isLate) {
  const said = words.result;
  const { payment } = order;
  const reason = payment && payment.reason ? reasonText('payment', payment.reason) : '';
  if (isPending(order) && isLate) return { tone: 'wait', headline: said.later, sentence: said.laterText };
  if (isPending(order)) return { tone: 'wait', headline: said.processing, sentence: said.processingText };
  if (order.status === 'REFUNDED') return { tone: 'good', headline: said.returned, sentence: said.returnedText };
  if (order.status === 'PAID') return { tone: 'good', headline: said.paid, sentence: say(said.paidText) };
  if (order.status === 'CANCELLED') {
    return { tone: 'plain', headline: said.cancelled, sentence: reason || said.cancelledText };
  }
  if (reason) return { tone: 'bad', headline: said.notPaid, sentence: reason };
  return { tone: 'plain', headline: said.toBePaid, sentence: said.toBePaidText };
}
