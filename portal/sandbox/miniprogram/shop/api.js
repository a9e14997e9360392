/** Our server's API for a buyer who is signed in. */

import { pause } from './platform.js';
import { forget, signIn } from './session.js';
import { Refused, send, Unreachable } from './wire.js';

const WAITS = [1000, 3000];

/** Ask. What may be asked twice is asked again after a lost answer: reads, and acts with their key. */
export async function get(path) {
  return patiently(() => ask('GET', path));
}

/** Do something that moves money or consent. The key names this press of the button, in every repetition. */
export async function act(path, body, key) {
  return patiently(() => ask('POST', path, { body, key }));
}

/** Send something that is sent once. */
export async function post(path, body) {
  return ask('POST', path, { body });
}

async function ask(method, path, options = {}) {
  let session = await signIn();
  let answer = await send(method, path, { ...options, token: session.token });
  if (answer.status === 401) {
    await forget(session);
    session = await signIn();
    answer = await send(method, path, { ...options, token: session.token });
  }
  if (answer.status >= 400) throw new Refused(answer.status, answer.data);
  return answer.data;
}

async function patiently(attempt) {
  for (const wait of WAITS) {
    try {
      return await attempt();
    } catch (reason) {
      if (!(reason instanceof Unreachable)) throw reason;
      await pause(wait);
    }
  }
  return attempt();
}
