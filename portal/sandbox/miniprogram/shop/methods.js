/** The buyer's ways to pay, as the server knows them. */

import { get } from './api.js';
import { day } from './words.js';

/** `{here, bound}`: the wallet this runs in (with its binding, if any), and every bound wallet. */
export async function paymentMethods() {
  const { items } = await get('/payment-methods');
  const methods = items.map(described);
  return {
    here: methods.find((method) => method.is_here) ?? null,
    bound: methods.filter((method) => method.account),
  };
}

/** What is charged to a wallet again and again and ends with it, as a sentence; empty where nothing is. */
export async function endingWith(accountId) {
  try {
    const { items } = await get(`/subscriptions?wallet_id=${accountId}`);
    return items.length ? `This ends with it: ${items.map((item) => item.plan.name).join(', ')}.` : '';
  } catch {
    return 'What you have subscribed to with it ends, too.';
  }
}

function described(method) {
  const account = method.wallet_account;
  return {
    ...method,
    account,
    initials: initials(method.name),
    accountId: account?.id ?? '',
    label: account?.label || method.name,
    since: account?.bound_at ? day(account.bound_at) : '',
    isActive: account?.status === 'ACTIVE',
    isEnding: account?.status === 'REVOKING',
    needsAgreement: account?.status === 'NEEDS_AUTHORIZATION',
  };
}

function initials(name) {
  const [first, second] = name.match(/[A-Z]/g) ?? ['•'];
  return first + (second ?? '');
}
