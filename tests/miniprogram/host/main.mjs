/**
 * Phones that run a mini program, told what to do line by line: a JSON object in, one out.
 *
 * Answers say what is to be seen: the page, its words, what can be tapped, what the container shows over it.
 */

import { createInterface } from 'node:readline';

import { textOf, walk } from './axml.mjs';
import { Container, Time } from './container.mjs';
import { Program } from './framework.mjs';

const stored = new Map();
const complaints = [];
let phone = null;

process.on('unhandledRejection', (reason) => complain(`nobody caught: ${reason?.stack ?? reason}`));

function complain(words) {
  complaints.push(words);
}

const acts = {
  /** Open the mini program on somebody's phone; what ran before is gone, as if the app had been killed. */
  async launch({ folder, owner, device = {} }) {
    if (phone) phone.container.isGone = true;
    const name = `${owner.site} ${owner.user}`;
    if (!stored.has(name)) stored.set(name, new Map());
    const time = new Time();
    const container = new Container({ phone: owner, device, stored: stored.get(name), time, complain });
    const program = new Program(folder, { my: container.my, time, complain });
    phone = { container, program, time };
    await program.load();
    program.launch();
  },

  /** Whether markup and pages fit, without a phone. */
  async check({ folder }) {
    const time = new Time();
    const container = new Container({ phone: { site: '' }, device: {}, stored: new Map(), time, complain });
    const program = new Program(folder, { my: container.my, time, complain });
    await program.load();
    return { flaws: program.flaws() };
  },

  async tap({ words, times = 1 }) {
    const { page } = phone.program;
    const tappable = [...walk(page.view())].filter((node) => node.attributes.onTap);
    const named = (node) => [node.attributes['aria-label'], textOf(node)].filter(Boolean);
    const node =
      tappable.find((one) => named(one).includes(words)) ??
      tappable.find((one) => named(one).some((name) => name.startsWith(words)));
    if (!node) throw new Error(`nothing to tap says ${words}: ${tappable.map(named).join(' | ')}`);
    if (node.attributes.disabled === true) throw new Error(`${words} is disabled`);
    const dataset = dataOf(node);
    // A second tap comes before the view is drawn anew.
    for (let turn = 0; turn < times; turn += 1) {
      page[node.attributes.onTap]({ type: 'tap', timeStamp: turn, currentTarget: { dataset } });
    }
  },

  async type({ words, text }) {
    const { page } = phone.program;
    const inputs = [...walk(page.view())].filter((node) => node.tag === 'input');
    const node = inputs.find((one) => one.attributes['aria-label'] === words);
    if (!node) throw new Error(`nothing to type into says ${words}`);
    if (node.attributes.disabled === true) throw new Error(`${words} is disabled`);
    page[node.attributes.onInput]({ type: 'input', detail: { value: text }, currentTarget: { dataset: dataOf(node) } });
  },

  async open({ url }) {
    phone.container.my.switchTab({ url });
  },

  async back() {
    phone.container.my.navigateBack({});
  },

  async sign({ callback, shown = 'before' }) {
    if (shown === 'before') phone.program.page.onShow?.();
    if (callback) phone.container.callBack(callback);
    else phone.container.forgetsToCallBack();
    if (shown === 'after') phone.program.page.onShow?.();
  },

  async decide({ isSure }) {
    phone.container.decide(isSure);
  },

  async pass({ seconds }) {
    await phone.time.pass(seconds * 1000, () => phone.container.rests());
  },

  async hide() {
    phone.program.page.onHide?.();
  },

  async show() {
    phone.program.page.onShow?.();
  },

  async lose({ what, where, times = 1 }) {
    phone.container.losses.push({ what, where, times });
  },

  async look() {},
};

function dataOf(node) {
  const named = Object.entries(node.attributes).filter(([name]) => name.startsWith('data-'));
  return Object.fromEntries(named.map(([name, value]) => [name.slice('data-'.length), value]));
}

function seen() {
  if (!phone?.program.page) return {};
  const { program, container } = phone;
  const view = program.page.view();
  const buttons = [...walk(view)].filter((node) => node.attributes.onTap);
  return {
    route: program.page.route,
    words: view.map(textOf).filter(Boolean).join(' '),
    buttons: buttons.filter((node) => node.attributes.disabled !== true).map(textOf),
    chosen: buttons.filter((node) => node.attributes['aria-checked'] === true).map(textOf),
    images: [...walk(view)].filter((node) => node.tag === 'image').map((node) => node.attributes.src),
    signStr: container.signing?.signStr ?? '',
    signings: container.signings,
    dialog: container.dialog ? `${container.dialog.title} ${container.dialog.content}` : '',
    toasts: container.toasts,
    requests: container.requests,
    stored: Object.fromEntries(container.stored),
    data: JSON.stringify([...program.stack, ...program.kept.values()].map((page) => page.data)),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...given } = JSON.parse(line);
  let answer;
  try {
    const own = await acts[act](given);
    if (phone) await phone.container.rests();
    answer = { ...seen(), ...own };
  } catch (reason) {
    answer = { error: String(reason?.stack ?? reason) };
  }
  process.stdout.write(`${JSON.stringify({ ...answer, complaints: complaints.splice(0) })}\n`);
}
