/** What a person watching may see: codes, tokens and links that work are cut short. */

const SECRET =
  /^(?:token|authorization|login_?code|auth_?code|auth_?state|sign_?str|authId|customer)$/i;
const SHOWN = 3;

/** The value with its secrets masked, at any depth. */
export function masked(value, name = '') {
  if (Array.isArray(value)) return value.map((one) => masked(one, name));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, masked(one, key)]));
  }
  if (typeof value === 'string' && value && SECRET.test(name)) return hidden(value);
  return value;
}

function hidden(text) {
  const start = text.startsWith('Bearer ') ? `Bearer ${text.slice(7, 7 + SHOWN)}` : text.slice(0, SHOWN);
  return `${start}••••`;
}
