/** The buyer's ways to pay, as the server knows them. */

import { listPaymentMethods, listSubscriptions } from '../api/client.js';
import { day, limitsText, money, say, words } from './words.js';

/**
 * @typedef {import('../api/types').PaymentMethod} PaymentMethod
 * @typedef {{
 *   wallet: string, name: string, currency: string, limits: string, isHere: boolean, initials: string,
 *   walletId: string, label: string, since: string,
 *   isBound: boolean, isActive: boolean, isEnding: boolean, needsAgreement: boolean,
 * }} Method
 */

/** `here`: the wallet this runs in, bound or not. `bound`: every bound wallet. */
export async function paymentMethods() {
  const methods = (await listPaymentMethods()).items.map(described);
  return { here: methods.find((method) => method.isHere) || null, bound: methods.filter((method) => method.isBound) };
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
  return {
    wallet,
    name,
    currency,
    limits: limitsText(method.limits) || (method.maximum ? money(method.maximum) : ''),
    isHere: method.is_here,
    initials: (name.match(/[A-Z]/g) || ['•']).slice(0, 2).join(''),
    walletId: account ? account.id : '',
    label: (account && account.label) || name,
    since: account ? day(account.bound_at) : '',
    isBound: Boolean(account),
    isActive: Boolean(account && account.status === 'ACTIVE'),
    isEnding: Boolean(account && account.status === 'REVOKING'),
    needsAgreement: Boolean(account && account.status === 'NEEDS_AUTHORIZATION'),
  };
}
