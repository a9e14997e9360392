/** Amounts that a buyer types, in the units people use, as the API takes them: in the smallest. */

import { EXPONENTS, WHOLE_UNITS_ONLY } from '../api/currencies.js';

/** @typedef {import('../api/types').Amount} Amount */

const MOST_DIGITS = 16;

/**
 * The amount that was typed: `1500`, `1,500.00`. Null where it is none, where it is zero, and where it has more decimals
 * than the currency: nothing is rounded.
 *
 * @param {string} text
 * @param {Amount['currency']} currency
 * @returns {Amount | null}
 */
export function typed(text, currency) {
  const exponent = EXPONENTS[currency];
  if (exponent === undefined) return null;
  const found = /^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d*))?$/.exec(text.trim());
  if (!found) return null;
  const written = WHOLE_UNITS_ONLY.includes(currency) ? 0 : exponent;
  const units = String(found[1]).replace(/,/g, '').replace(/^0+(?=\d)/, '');
  const decimals = found[2] || '';
  if (/[1-9]/.test(decimals.slice(written))) return null;
  const kept = decimals.slice(0, written).padEnd(written, '0');
  const value = (units + kept.padEnd(exponent, '0')).replace(/^0+/, '');
  if (!value || value.length > MOST_DIGITS) return null;
  const grouped = units.replace(/\B(?=(?:\d{3})+$)/g, ',');
  return { value, currency, display: kept ? `${grouped}.${kept}` : grouped };
}

/**
 * An amount as one writes it in that currency, to show how: `1500.00`, or `1500` where there are no decimals.
 *
 * @param {string} currency
 */
export function example(currency) {
  const written = WHOLE_UNITS_ONLY.includes(currency) ? 0 : EXPONENTS[currency] || 0;
  return written ? `1500.${'0'.repeat(written)}` : '1500';
}
