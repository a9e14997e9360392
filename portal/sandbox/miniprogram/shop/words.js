/** How things are said to the buyer. */

import { Refused, Unreachable } from './wire.js';

/** "499.00 PHP". */
export function money(amount) {
  return `${amount.display} ${amount.currency}`;
}

/** "14 March 2026". */
export function day(time) {
  return new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
}

/** "Barako beans", "2 × Barako beans and 1 more". */
export function contents(order) {
  const [first, ...others] = order.items;
  if (!first) return order.description || 'Order';
  const start = first.quantity > 1 ? `${first.quantity} × ${first.name}` : first.name;
  return others.length ? `${start} and ${others.length} more` : start;
}

/** What a buyer is told of an order in a list. */
export function progress(order) {
  if (order.refunds.some((refund) => refund.status === 'PENDING')) return { word: 'Money on its way back', tone: 'wait' };
  if (order.cancel?.status === 'PENDING') return { word: 'Being cancelled', tone: 'wait' };
  if (order.status === 'INIT' && order.payment?.status === 'PENDING') return { word: 'In progress', tone: 'wait' };
  if (order.status === 'PAID' && order.payment && order.payment.returned.value !== '0') {
    return { word: 'Partly given back', tone: 'good' };
  }
  return {
    INIT: { word: 'To be paid', tone: 'wait' },
    PAID: { word: 'Paid', tone: 'good' },
    CANCELLED: { word: 'Cancelled', tone: '' },
    REFUNDED: { word: 'Given back', tone: 'good' },
  }[order.status];
}

/** The sentence for what went wrong; anything that is not the server's or the network's fault is ours, and thrown. */
export function trouble(reason) {
  if (reason instanceof Refused || reason instanceof Unreachable) return reason.message;
  throw reason;
}
