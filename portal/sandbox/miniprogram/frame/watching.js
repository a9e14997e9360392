/** "What happened": every call of the mini program to its container and to the portal, newest first, masked. */

import { masked } from './masking.js';

const MOST_LINES = 200;
const AT_THE_TOP = 8;
const LONG_ID = /\b([A-Z]\d{4})[0-9A-Z]{18,}(?=[0-9A-Z]{4}\b)/g;
const WORDS = { good: '✓', bad: '✕', wait: '◷', plain: '•' };

/** The list beside the phone. `begin` adds a line and returns a function that ends it. */
export function createWatch(list, empty, more) {
  let unseen = 0;

  function show() {
    more.hidden = unseen === 0;
    more.textContent = unseen === 1 ? '↑ 1 new line' : `↑ ${unseen} new lines`;
  }

  function seeAll() {
    unseen = 0;
    show();
  }

  more.addEventListener('click', () => {
    list.scrollTop = 0;
    seeAll();
  });
  list.addEventListener('scroll', () => {
    if (list.scrollTop < AT_THE_TOP) seeAll();
  });

  function begin(kind, name, given) {
    const started = performance.now();
    const line = document.createElement('li');
    line.className = `line ${kind}`;
    const head = add(line, 'div', 'head');
    add(head, 'span', 'who', kind === 'api' ? 'Portal' : kind === 'wallet' ? 'Wallet' : 'Phone');
    add(head, 'code', 'what', name.replace(LONG_ID, '$1…')).title = name;
    const chip = add(head, 'span', 'chip wait', `${WORDS.wait} …`);
    const facts = add(line, 'details', 'facts');
    facts.hidden = true;
    add(facts, 'summary', '', 'Show what was said');
    if (given !== undefined) tell(facts, 'Asked', given);
    const isAtTop = list.scrollTop < AT_THE_TOP;
    list.prepend(line);
    if (isAtTop) list.scrollTop = 0;
    else {
      unseen += 1; // whoever reads further down is told, and not moved
      show();
    }
    empty.hidden = true;
    while (list.children.length > MOST_LINES) list.lastChild.remove();

    return function end(state, word, answer) {
      const spent = Math.round(performance.now() - started);
      chip.hidden = !word;
      chip.className = `chip ${state}`;
      chip.textContent = `${WORDS[state] ?? WORDS.plain} ${word}`;
      if (kind === 'api') add(head, 'span', 'spent', `${spent} ms`);
      if (answer !== undefined) tell(facts, 'Answered', answer);
    };
  }

  /** Something that has no answer worth waiting for. */
  function note(kind, text) {
    begin(kind, text)('plain', '');
  }

  function clear() {
    list.replaceChildren();
    seeAll();
    empty.hidden = false;
  }

  return { begin, note, clear };
}

function tell(facts, title, value) {
  facts.hidden = false;
  add(facts, 'b', '', title);
  add(facts, 'pre', '', JSON.stringify(masked(value), null, 2));
}

function add(parent, tag, className, text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}
