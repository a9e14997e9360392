/** What the two pages that offer binding do with it: steps, the outcome, checking once more. */

import { toast } from '../adapter/platform.js';
import { bind, check } from './binding.js';
import { say, words } from './words.js';

/**
 * @typedef {import('./binding.js').Step} Step
 * @typedef {import('./binding.js').Outcome} Outcome
 * @typedef {{ step: string, note: string, unsureId: string }} Told
 * @typedef {{
 *   data: Told & { here: import('./methods.js').Method | null },
 *   setData(changes: Partial<Told>): void,
 *   refresh(): Promise<void>,
 * }} LinkingPage
 */

/**
 * Bind the wallet this runs in.
 *
 * @param {LinkingPage} page
 * @param {string} returnTo
 * @param {string} [currency] of what is to be paid with it first
 */
export function link(page, returnTo, currency) {
  page.setData({ note: '', unsureId: '' });
  return follow(page, bind(returnTo, (step) => tell(page, step), currency));
}

/**
 * Ask once more for an attempt that nobody has confirmed.
 *
 * @param {LinkingPage} page
 */
export async function checkAgain(page) {
  const id = page.data.unsureId;
  if (!id) return null;
  page.setData({ note: '', unsureId: '' });
  return follow(page, check(id, (step) => tell(page, step)));
}

/**
 * @param {LinkingPage} page
 * @param {Promise<Outcome | null>} binding
 */
async function follow(page, binding) {
  const outcome = await binding;
  if (!outcome) return null;
  const isNote = outcome.kind === 'failed' || outcome.kind === 'unsure';
  page.setData({ step: '', note: isNote ? outcome.text : '', unsureId: outcome.attempt });
  if (!isNote) toast(outcome.text);
  return outcome;
}

/**
 * @param {LinkingPage} page
 * @param {Step} step
 */
function tell(page, step) {
  const wallet = page.data.here ? page.data.here.name : '';
  page.setData({ step: say(words.binding[step], { wallet }) });
}
