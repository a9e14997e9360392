/** The buyer's ways to pay, as the server knows them. */

import { listPaymentMethods, listSubscriptions } from '../api/client.js';
import { day, limitsText, money, say, spoken, words } from './words.js';

const TERMINAL = /** @type {const} */ ('MINI_APP');

/**
 * @typedef {import('../api/types').PaymentMethod} PaymentMethod
 * @typedef {Parameters<typeof listPaymentMethods>[0]} Wish
 * @typedef {{
 *   wallet: string, name: string, currency: string, limits: string, isHere: boolean, initials: string,
 *   logo: string, promotion: string,
 *   walletId: string, label: string, since: string,
 *   isBound: boolean, isOffered: boolean, isActive: boolean, isEnding: boolean, needsAgreement: boolean,
 * }} Method
 */

/**
 * `here`: the wallet this runs in, bound or not. `bound`: every bound wallet. Of those that take `amount`, where one is
 * given: whom the catalogue leaves out is not led through a consent that cannot pay.
 *
 * @param {import('../api/types').Order['amount']} [amount]
 */
export async function paymentMethods(amount) {
  const of = amount ? { amount: amount.value, currency: amount.currency, terminal_type: TERMINAL } : {};
  const methods = (await listPaymentMethods(/** @type {Wish} */ (of))).items.map(described);
  return { here: methods.find((method) => method.isHere) || null, bound: methods.filter((method) => method.isBound) };
}

/**
 * Whether a wallet can be debited in a currency; where nobody has said its own, nothing speaks against it.
 *
 * @param {Method} method
 * @param {string} currency
 */
export function takes(method, currency) {
  return !method.currency || method.currency === currency;
}

/**
 * What is charged to a wallet again and again and ends with it: a sentence, empty where nothing is.
 *
 * @param {string} walletId
 */
export async function endingWith(walletId) {
  try {
    const { items } = await listSubscriptions({ wallet_id: walletId });
    const names = items.map((item) => (item.next_amount ? `${item.plan.name} (${money(item.next_amount)})` : item.plan.name));
    return names.length ? say(words.methods.endsWithIt, { plans: names.join(', ') }) : '';
  } catch (reason) {
    return words.methods.subscriptionsEnd; // nobody could be asked; better said than left out
  }
}

/**
 * @param {PaymentMethod} method
 * @returns {Method}
 */
function described(method) {
  const account = method.wallet_account;
  const { wallet, name, currency } = method;
  const look = method.presentation && method.presentation.is_available ? method.presentation : null;
  return {
    wallet,
    name,
    currency,
    limits: limitsText(method.limits) || (method.maximum ? money(method.maximum) : ''),
    isHere: method.is_here,
    // The acquirer's own picture, and what it promises beside it and nowhere else; else the catalogue's.
    logo: (look && look.logo_url) || method.logo_url,
    promotion: (look && look.logo_url && promised(look.promotions)) || '',
    initials: (name.match(/[A-Z]/g) || ['•']).slice(0, 2).join(''),
    walletId: account ? account.id : '',
    label: (account && account.label) || name,
    since: account ? day(account.bound_at) : '',
    isBound: Boolean(account),
    isOffered: method.is_offered,
    isActive: Boolean(account && account.status === 'ACTIVE'),
    isEnding: Boolean(account && account.status === 'REVOKING'),
    needsAgreement: Boolean(account && account.status === 'NEEDS_AUTHORIZATION'),
  };
}

/**
 * A promotion in the language of the phone; in no other, since it is a promise.
 *
 * @param {Record<string, unknown>} promotions by language tag
 */
function promised(promotions) {
  const tag = Object.keys(promotions).find((one) => one.slice(0, 2).toLowerCase() === spoken);
  return tag ? String(promotions[tag]) : '';
}
