/**
 * Templates of mini program pages, as far as the kit's use them: parsed, expanded with a page's data, and checked.
 *
 * `{{path.to.value}}` and `{{!path}}` in text and attributes, `a:if`, `a:elif`, `a:else`, `a:for` with `a:for-item` and
 * `a:key`, `onTap`, `onInput`, `data-*`. A page computes the rest in its own JavaScript.
 */

const TAGS = new Set(['view', 'text', 'button', 'block', 'input', 'image']);
const CONTROL = new Set(['a:if', 'a:elif', 'a:else', 'a:for', 'a:for-item', 'a:key']);
const ATTRIBUTE = /^(?:class|role|src|mode|disabled|loading|onTap|onInput|type|maxlength|placeholder|aria-[a-z]+|data-[a-z]+)$/;
const PIECE = /<!--[\s\S]*?-->|<\/([a-z]+)>|<([a-z]+)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>|([^<]+)/y;
const EXPRESSION = /\{\{([^{}]+)\}\}/g;

/** The tree of a template. Throws where it is not well formed. */
export function parse(text, name) {
  const root = { tag: 'page', attributes: new Map(), children: [] };
  const open = [root];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const start = PIECE.lastIndex;
    const found = PIECE.exec(text);
    if (!found) throw new Error(`${name}: not well formed at ${JSON.stringify(text.slice(start, start + 40))}`);
    const [, closed, opened, attributes, isEmpty, words] = found;
    const parent = open[open.length - 1];
    if (closed) {
      if (open.pop().tag !== closed) throw new Error(`${name}: </${closed}> closes nothing`);
    } else if (opened) {
      const node = { tag: opened, attributes: readAttributes(attributes), children: [] };
      parent.children.push(node);
      if (!isEmpty) open.push(node);
    } else if (words && words.trim()) {
      parent.children.push({ words: words.trim() });
    }
  }
  if (open.length > 1) throw new Error(`${name}: <${open.pop().tag}> is not closed`);
  return root;
}

function readAttributes(text) {
  const found = new Map();
  for (const [, name, value] of text.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)) found.set(name, value ?? '');
  return found;
}

/** What the template shows with this data. */
export function expand(root, data) {
  return children(root, [data]);
}

function children(parent, scopes) {
  const shown = [];
  let isChosen = true;
  for (const node of parent.children) {
    if (node.words !== undefined) {
      shown.push({ text: fill(node.words, scopes) });
      continue;
    }
    const condition = node.attributes.get('a:if') ?? node.attributes.get('a:elif');
    if (node.attributes.has('a:if')) isChosen = false;
    if (condition !== undefined || node.attributes.has('a:else')) {
      if (isChosen || (condition !== undefined && !value(condition, scopes))) continue;
      isChosen = true;
    }
    shown.push(...repeated(node, scopes));
  }
  return shown;
}

function repeated(node, scopes) {
  const list = node.attributes.get('a:for');
  if (list === undefined) return [element(node, scopes)];
  const name = node.attributes.get('a:for-item') ?? 'item';
  const key = node.attributes.get('a:key');
  const keys = new Set();
  return value(list, scopes).map((item) => {
    if (keys.has(item[key])) throw new Error(`two items of ${list} have the key ${item[key]}`);
    keys.add(item[key]);
    return element(node, [{ [name]: item }, ...scopes]);
  });
}

function element(node, scopes) {
  const attributes = {};
  for (const [name, text] of node.attributes) if (!CONTROL.has(name)) attributes[name] = value(text, scopes);
  return { tag: node.tag, attributes, children: children(node, scopes) };
}

function value(text, scopes) {
  const whole = /^\{\{([^{}]+)\}\}$/.exec(text);
  return whole ? evaluate(whole[1], scopes) : fill(text, scopes);
}

function fill(text, scopes) {
  return text.replace(EXPRESSION, (_, expression) => String(evaluate(expression, scopes) ?? ''));
}

function evaluate(expression, scopes) {
  const said = /^(!?)([a-zA-Z][\w.]*)$/.exec(expression.trim());
  if (!said) throw new Error(`{{${expression}}} is more than a path`);
  const [first, ...rest] = said[2].split('.');
  const scope = scopes.find((one) => Object.hasOwn(one, first));
  if (!scope) throw new Error(`{{${expression}}}: there is no ${first}`);
  const found = rest.reduce((inner, name) => inner?.[name], scope[first]);
  return said[1] ? !found : found;
}

/** All words of an element, as they are read. */
export function textOf(node) {
  if (node.text !== undefined) return node.text;
  return node.children.map(textOf).join(' ').replace(/\s+/g, ' ').trim();
}

/** Elements, outermost first. */
export function* walk(nodes) {
  for (const node of nodes) {
    if (node.text !== undefined || node.words !== undefined) continue;
    yield node;
    yield* walk(node.children);
  }
}

/** What is wrong with a template, beside a page's definition: a sentence each. */
export function flaws(root, definition, source, name) {
  const found = [];
  const read = new Set();
  const handlers = new Set();
  look(root, new Set(Object.keys(definition.data)));
  for (const key of Object.keys(definition.data)) {
    const isRead = new RegExp(`data\\.${key}\\b|\\{[^}]*\\b${key}\\b[^}]*\\} = this\\.data`).test(source);
    if (!read.has(key) && !isRead) found.push(`${name}: nobody reads data.${key}`);
  }
  for (const [key, member] of Object.entries(definition)) {
    const isCalled = handlers.has(key) || new RegExp(`this\\.${key}\\(`).test(source);
    const isLife = /^on[A-Z]/.test(key) || key === 'refresh';
    if (typeof member === 'function' && !isCalled && !isLife) found.push(`${name}: nobody calls ${key}()`);
  }
  return found;

  function look(node, names) {
    if (node.words !== undefined) return paths(node.words, names);
    if (node !== root && !TAGS.has(node.tag)) found.push(`${name}: <${node.tag}> is not known`);
    const inner = new Set(names);
    if (node.attributes.has('a:for')) {
      if (!node.attributes.has('a:key')) found.push(`${name}: a:for without a:key`);
      inner.add(node.attributes.get('a:for-item') ?? 'item');
    }
    for (const [attribute, text] of node.attributes) {
      if (!CONTROL.has(attribute) && !ATTRIBUTE.test(attribute)) found.push(`${name}: ${attribute} is not known`);
      if (/^(?:on|catch)[A-Z]/.test(attribute)) {
        handlers.add(text);
        if (typeof definition[text] !== 'function') found.push(`${name}: ${attribute}="${text}" is no method`);
      } else if (attribute !== 'a:for-item' && attribute !== 'a:key') {
        paths(text, attribute === 'a:for' ? names : inner);
      }
    }
    const isInput = node.tag === 'input';
    if (isInput && !(node.attributes.has('onInput') && node.attributes.has('aria-label'))) {
      found.push(`${name}: an input that nobody hears, or that says nothing`);
    }
    if (node.tag === 'button' && !node.attributes.has('onTap')) found.push(`${name}: a button without onTap`);
    for (const child of node.children) look(child, inner);
    return undefined;
  }

  function paths(text, names) {
    for (const [, expression] of text.matchAll(EXPRESSION)) {
      const [first, second] = expression.replace('!', '').trim().split('.');
      if (!names.has(first)) found.push(`${name}: {{${expression}}} is no data`);
      read.add(first);
      const held = definition.data[first];
      const isKnown = !second || !held || typeof held !== 'object' || Object.hasOwn(held, second);
      if (!isKnown) found.push(`${name}: {{${expression}}} is no word`);
    }
  }
}
