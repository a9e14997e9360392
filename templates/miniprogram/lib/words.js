/** What the buyer is told, in the language of the app: English, or Simplified Chinese. */

import { MERCHANT } from '../environment.js';
import { language } from '../adapter/platform.js';
import { isRefused, isUnreachable } from '../api/asking.js';
import errors from '../words/errors.js';
import pages from '../words/pages.js';

/**
 * @typedef {{ en: string, zh: string }} Pair one sentence in both languages
 * @typedef {import('../api/types').Amount} Amount
 */

/** @type {'en' | 'zh'} */
export const spoken = /^zh/i.test(language()) ? 'zh' : 'en';
const OTHERWISE = 'OTHERWISE';

/**
 * @template {string} K
 * @param {Record<K, Pair>} table
 * @returns {Record<K, string>}
 */
function inLanguage(table) {
  const picked = /** @type {Record<K, string>} */ ({});
  for (const name of /** @type {K[]} */ (Object.keys(table))) picked[name] = table[name][spoken];
  return picked;
}

/** All that the pages say. */
export const words = {
  common: inLanguage(pages.common),
  binding: inLanguage(pages.binding),
  shop: inLanguage(pages.shop),
  methods: inLanguage(pages.methods),
  cashier: inLanguage(pages.cashier),
  result: inLanguage(pages.result),
  subscriptions: inLanguage(pages.subscriptions),
  intervals: inLanguage(pages.intervals),
  months: inLanguage(pages.months),
};

/**
 * A sentence with something in its places.
 *
 * @param {string} sentence
 * @param {Record<string, string | number>} [places]
 */
export function say(sentence, places = {}) {
  const filled = Object.assign({ merchant: MERCHANT }, places);
  return sentence.replace(/\{(\w+)\}/g, (whole, /** @type {keyof typeof filled} */ name) =>
    name in filled ? String(filled[name]) : whole,
  );
}

/**
 * @param {Record<string, Pair>} table
 * @param {string[]} names
 */
function found(table, names) {
  const name = names.find((one) => Object.prototype.hasOwnProperty.call(table, one));
  const pair = name === undefined ? undefined : table[name];
  return pair ? pair[spoken] : '';
}

/**
 * Why something did not happen. A code we have no words for is said in the server's own, which are English.
 *
 * @param {'authorization' | 'payment' | 'trouble'} kind
 * @param {{ code: string, text: string, action?: string }} reason
 */
export function reasonText(kind, reason) {
  const said = found(errors[kind], [`${reason.code}/${reason.action || ''}`, reason.code]);
  if (said) return said;
  return spoken === 'en' && reason.text ? reason.text : found(errors[kind], [OTHERWISE]);
}

/**
 * What my.signContract reported.
 *
 * @param {string} code
 */
export function signingText(code) {
  return found(errors.signing, [code, OTHERWISE]);
}

/** @param {{ code: string }} refused */
export function problemText(refused) {
  return found(errors.problem, [refused.code, OTHERWISE]);
}

/**
 * The sentence for what went wrong.
 *
 * @param {unknown} reason
 */
export function trouble(reason) {
  if (isRefused(reason)) return problemText(reason);
  if (isUnreachable(reason)) return words.common.unreachable;
  console.error(reason); // a mistake of ours
  return words.common.oops;
}

/** @param {Amount} amount "499.00 PHP" */
export function money(amount) {
  return `${amount.display} ${amount.currency}`;
}

/**
 * What a wallet lets through in a period. The catalogue says it in English; in the words it begins with, it is told
 * again, and what staff wrote otherwise stays as it is.
 *
 * @param {string} limits "20,000,000 VND per day; 100,000,000 VND per month"
 */
export function limitsText(limits) {
  return limits.split('; ').map(toldLimit).join(spoken === 'zh' ? '；' : '; ');
}

/** @param {string} limit */
function toldLimit(limit) {
  const pair = /** @type {Pair[]} */ (Object.values(pages.limits)).find((one) => limit.endsWith(after(one)));
  return pair ? say(pair[spoken], { amount: limit.slice(0, -after(pair).length) }) : limit;
}

/** @param {Pair} pair */
function after(pair) {
  return pair.en.replace('{amount}', '');
}

/**
 * "14 March 2026". Containers need not have Intl, so it is written out.
 *
 * @param {string} time a moment, or a day
 */
export function day(time) {
  const [year = 0, month = 1, date = 1] = /^\d{4}-\d\d-\d\d$/.test(time) ? time.split('-').map(Number) : here(time);
  const name = words.months[/** @type {keyof typeof words.months} */ (`m${month}`)];
  return say(words.common.day, { year, month: name, day: date });
}

/** @param {string} time */
function here(time) {
  const moment = new Date(time);
  return [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()];
}
