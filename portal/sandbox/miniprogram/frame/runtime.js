/**
 * The framework of mini programs, as far as the shop needs it: App, Page, getApp, a stack of pages, setData.
 *
 * Source: "Overview" and "Global Configuration" of the framework
 * (https://miniprogram.alipay.com/docs/miniprogram_claro/mpdev/framework_app_global-configuration).
 */

import { compile, show } from './template.js';

const ROOT = '/miniprogram/shop/';
const MOST_PAGES = 10;

/** Load a mini program and run it between these elements of the screen. */
export async function start({ screen, bar, query }) {
  const config = await (await fetch(`${ROOT}app.json`)).json();
  const definitions = new Map();
  const templates = new Map();
  const tabs = (config.tabBar?.items ?? []).map((item) => item.pagePath);
  const stack = [];
  const kept = new Map();
  let loading = '';
  let app = {};

  globalThis.App = (definition) => {
    app = definition;
  };
  globalThis.getApp = () => app;
  globalThis.Page = (definition) => definitions.set(loading, definition);

  await import(`${ROOT}app.js`);
  for (const route of config.pages) {
    loading = route;
    const [template] = await Promise.all([read(`${ROOT}${route}.axml`), import(`${ROOT}${route}.js`)]);
    templates.set(route, compile(template, route));
  }

  function create(route, given) {
    if (!definitions.has(route)) throw new Error(`app.json names no page ${route}.`);
    const definition = definitions.get(route);
    const element = document.createElement('div');
    element.className = `page ${route.split('/').pop()}`;
    screen.append(element);
    const page = { ...definition, route, data: structuredClone(definition.data ?? {}), element, isGone: false };
    let isAwaited = false;
    const draw = () => {
      isAwaited = false;
      if (!page.isGone) show(element, templates.get(route), page.data, { assets: ROOT.slice(0, -1), handle });
    };
    const handle = (name, event) => page[name](event);
    page.setData = (changes, done) => {
      Object.assign(page.data, changes);
      if (!isAwaited) queueMicrotask(draw);
      isAwaited = true;
      if (done) queueMicrotask(done);
    };
    draw();
    page.onLoad?.(given);
    return page;
  }

  const top = () => stack[stack.length - 1];

  function reveal(page) {
    for (const other of [...stack, ...kept.values()]) other.element.hidden = other !== page;
    bar.draw({
      title: page.title ?? config.window?.defaultTitle ?? '',
      hasBack: stack.length > 1,
      tab: tabs.includes(page.route) ? page.route : null,
      tabs: config.tabBar?.items ?? [],
    });
    screen.scrollTop = 0;
    page.onShow?.();
  }

  function leave(page) {
    if (!page) return;
    page.onHide?.();
    page.element.hidden = true;
  }

  function forget(page) {
    page.isGone = true;
    page.onUnload?.();
    page.element.remove();
  }

  function parse(url) {
    const [path, search = ''] = String(url).replace(/^\//, '').split('?');
    return [path, Object.fromEntries(new URLSearchParams(search))];
  }

  function navigateTo({ url }) {
    const [route, given] = parse(url);
    if (tabs.includes(route)) throw new Error(`${route} is a tab: use my.switchTab.`);
    if (stack.length >= MOST_PAGES) throw new Error('Too many pages lie on each other.');
    leave(top());
    stack.push(create(route, given));
    reveal(top());
    bar.focus();
  }

  function redirectTo({ url }) {
    const [route, given] = parse(url);
    if (tabs.includes(route)) throw new Error(`${route} is a tab: use my.switchTab.`);
    const before = stack.pop();
    leave(before);
    forget(before);
    stack.push(create(route, given));
    reveal(top());
    bar.focus();
  }

  function navigateBack({ delta = 1 } = {}) {
    if (stack.length < 2) return;
    for (let left = Math.min(delta, stack.length - 1); left > 0; left -= 1) {
      const before = stack.pop();
      leave(before);
      forget(before);
    }
    reveal(top());
    bar.focus();
  }

  function switchTab({ url }) {
    const [route, given] = parse(url);
    if (!tabs.includes(route)) throw new Error(`${route} is no tab.`);
    if (top()?.route === route) return;
    leave(top());
    for (const page of stack.splice(0)) if (!tabs.includes(page.route)) forget(page);
    if (!kept.has(route)) kept.set(route, create(route, given));
    stack.push(kept.get(route));
    reveal(top());
  }

  return {
    navigation: { navigateTo, redirectTo, navigateBack, switchTab },
    /** Begin: the app, then its first page. */
    launch() {
      app.onLaunch?.({ query, scene: 1000 });
      app.onShow?.({ query });
      switchTab({ url: config.pages[0] });
    },
    hide() {
      top()?.onHide?.();
      app.onHide?.();
    },
    show() {
      app.onShow?.({ query });
      top()?.onShow?.();
    },
  };
}

async function read(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is missing.`);
  return response.text();
}
