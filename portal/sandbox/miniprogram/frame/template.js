/**
 * Templates of a mini program's pages: the part of AXML that the shop's pages need.
 *
 * `{{path.to.value}}` and `{{!path}}` in text and attributes, `a:if`, `a:elif`, `a:else`, `a:for` with `a:for-item` and
 * `a:key`, `onTap` and `catchTap`, `data-*`. Expressions beyond a path are left out on purpose: the page's strict
 * policy forbids making code out of text, and a page computes better in its own JavaScript.
 */

const XML = 'application/xml';
const NAMESPACE = 'urn:template';
const TAGS = { view: 'div', text: 'span', button: 'button', image: 'img' };
const PASSED = /^(?:class|id|role|tabindex|disabled|src|aria-[a-z]+|data-[a-z-]+)$/;

/** Parse a template once; throws where it is not well formed. */
export function compile(text, name) {
  const parsed = new DOMParser().parseFromString(`<page xmlns:a="${NAMESPACE}">${text}</page>`, XML);
  const fault = parsed.querySelector('parsererror');
  if (fault) throw new Error(`${name}: ${fault.textContent}`);
  return parsed.documentElement;
}

/** Make `parent` show the template with this data; elements that stay are kept, and so is the focus. */
export function show(parent, template, data, { assets, handle }) {
  patch(parent, expandAll(template.childNodes, [data]), { assets, handle });
}

function expandAll(nodes, scopes) {
  const found = [];
  let chainIsDone = true;
  for (const node of nodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.data.trim()) found.push(fill(node.data.replace(/\s+/g, ' '), scopes));
      continue;
    }
    if (node.nodeType !== Node.ELEMENT_NODE) continue;
    const condition = attribute(node, 'if') ?? attribute(node, 'elif');
    if (condition !== null || attribute(node, 'else') !== null) {
      if (attribute(node, 'if') !== null) chainIsDone = false;
      if (chainIsDone || (condition !== null && !value(condition, scopes))) continue;
      chainIsDone = true;
    }
    found.push(...repeat(node, scopes));
  }
  return found;
}

function repeat(node, scopes) {
  const list = attribute(node, 'for');
  if (list === null) return expand(node, scopes);
  const item = attribute(node, 'for-item') ?? 'item';
  const key = attribute(node, 'key');
  return (value(list, scopes) || []).flatMap((one, index) =>
    expand(node, [{ [item]: one, index }, ...scopes], key === null ? undefined : String(one[key])),
  );
}

function expand(node, scopes, key) {
  if (node.localName === 'block') return expandAll(node.childNodes, scopes);
  const tag = TAGS[node.localName];
  if (!tag) throw new Error(`Templates know no <${node.localName}>.`);
  const element = { tag, key, attributes: {}, taps: null, children: expandAll(node.childNodes, scopes) };
  for (const { name, namespaceURI, value: text } of node.attributes) {
    if (namespaceURI === NAMESPACE) continue;
    if (name === 'onTap' || name === 'catchTap') element.taps = { handler: text, stops: name === 'catchTap' };
    else if (PASSED.test(name)) element.attributes[name] = value(text, scopes);
    else throw new Error(`Templates know no attribute ${name}.`);
  }
  return [element];
}

function attribute(node, name) {
  return node.getAttributeNS(NAMESPACE, name);
}

/** An attribute's value: the thing itself where it is one expression, otherwise text. */
function value(text, scopes) {
  const whole = /^\s*\{\{([^{}]+)\}\}\s*$/.exec(text);
  return whole ? evaluate(whole[1].trim(), scopes) : fill(text, scopes);
}

function fill(text, scopes) {
  return text.replace(/\{\{([^{}]+)\}\}/g, (_, expression) => {
    const found = evaluate(expression.trim(), scopes);
    return found === undefined || found === null ? '' : String(found);
  });
}

function evaluate(expression, scopes) {
  if (expression.startsWith('!')) return !evaluate(expression.slice(1).trim(), scopes);
  const [first, ...rest] = expression.split('.');
  const scope = scopes.find((one) => Object.hasOwn(one, first));
  return rest.reduce((found, name) => (found === undefined || found === null ? found : found[name]), scope?.[first]);
}

function patch(parent, wanted, options) {
  wanted.forEach((one, index) => {
    let dom = parent.childNodes[index];
    if (one.key !== undefined) {
      const known = [...parent.childNodes].slice(index).find((child) => child.key === one.key);
      if (known && known !== dom) parent.insertBefore(known, dom ?? null);
      dom = known;
    }
    if (!fits(dom, one)) {
      dom = typeof one === 'string' ? document.createTextNode('') : make(one, options);
      parent.insertBefore(dom, parent.childNodes[index] ?? null);
    }
    update(dom, one, options);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function fits(dom, one) {
  if (!dom) return false;
  if (typeof one === 'string') return dom.nodeType === Node.TEXT_NODE;
  return dom.localName === one.tag && dom.key === one.key;
}

function make(one, { handle }) {
  const dom = document.createElement(one.tag);
  dom.key = one.key;
  if (one.tag === 'button') dom.type = 'button';
  dom.addEventListener('click', (event) => {
    if (!dom.taps) return;
    if (dom.taps.stops) event.stopPropagation();
    const touched = { dataset: { ...dom.dataset } };
    handle(dom.taps.handler, { type: 'tap', timeStamp: event.timeStamp, target: touched, currentTarget: touched });
  });
  return dom;
}

function update(dom, one, options) {
  if (typeof one === 'string') {
    if (dom.data !== one) dom.data = one;
    return;
  }
  dom.taps = one.taps;
  for (const { name } of [...dom.attributes]) {
    if (!(name in one.attributes) && name !== 'type' && name !== 'alt') dom.removeAttribute(name);
  }
  for (const [name, given] of Object.entries(one.attributes)) set(dom, name, given, options);
  if (one.tag === 'img') set(dom, 'alt', one.attributes['aria-label'] ?? '', options);
  patch(dom, one.children, options);
}

function set(dom, name, given, { assets }) {
  if (given === undefined || given === null || (given === false && !name.startsWith('aria-'))) {
    dom.removeAttribute(name);
    return;
  }
  const text = name === 'src' ? assets + given : given === true && !name.startsWith('aria-') ? '' : String(given);
  if (dom.getAttribute(name) !== text) dom.setAttribute(name, text);
}
