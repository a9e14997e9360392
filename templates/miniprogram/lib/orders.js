/** How an order is told of. */

import { say, words } from './words.js';

/** @typedef {import('../api/types').Order} Order */

/**
 * "Barako beans", "2 × Barako beans and 1 more".
 *
 * @param {Order} order
 */
export function contents(order) {
  const [first, ...others] = order.items;
  if (!first) return order.description || words.common.order;
  const start = first.quantity > 1 ? `${first.quantity} × ${first.name}` : first.name;
  return others.length ? say(words.shop.andMore, { start, count: others.length }) : start;
}

/**
 * How it stands, for a list. Nothing that is pending is called failed.
 *
 * @param {Order} order
 * @returns {{ word: string, tone: 'good' | 'wait' | 'plain' }}
 */
export function progress(order) {
  const said = words.shop;
  const { payment } = order;
  if (order.refunds.some((refund) => refund.status === 'PENDING')) return { word: said.returning, tone: 'wait' };
  if (order.cancel && order.cancel.status === 'PENDING') return { word: said.cancelling, tone: 'wait' };
  if (isPending(order)) return { word: said.inProgress, tone: 'wait' };
  if (order.status === 'REFUNDED') return { word: said.returned, tone: 'good' };
  if (order.status === 'CANCELLED') return { word: said.cancelled, tone: 'plain' };
  if (order.status === 'INIT') return { word: said.toBePaid, tone: 'wait' };
  return payment && payment.returned.value !== '0'
    ? { word: said.partlyReturned, tone: 'good' }
    : { word: said.paid, tone: 'good' };
}

/**
 * Whether nobody knows yet what became of its payment.
 *
 * @param {Order} order
 */
export function isPending(order) {
  return Boolean(order.payment && order.payment.status === 'PENDING');
}
