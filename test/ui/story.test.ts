// The demo's story followed in real Chromium against the real server: from the first alert to the lifted block.
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { chromiumLaunch } from '../services/chromium.ts';
import { requireReal } from '../services/require-real.ts';
import { findBarriers, findOverflow } from './find-barriers.ts';
import { findEnglish } from './find-english.ts';
import { type RunningDemo, startDemo } from './start-demo.ts';
import { watchPage } from './watch-page.ts';

const VIEWS = [
  '/',
  '/incidents',
  '/alerts',
  '/search?last=1h',
  '/approvals',
  '/changes',
  '/report',
  '/rules',
];
const BLOCKED = '82.118.225.196';

let demo: RunningDemo | undefined;
let browser: Browser | undefined;
let storage: Awaited<ReturnType<BrowserContext['storageState']>> | undefined;
let incident: string | undefined;

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The demo and the browser are started by the first test that runs, not by those that are skipped. */
async function open(options: Parameters<typeof watchPage>[1] = {}) {
  demo ??= await startDemo();
  browser ??= await chromium.launch(chromiumLaunch());
  const watched = await watchPage(browser, { ...options, ...(storage ? { storage } : {}) });
  return { ...watched, url: demo.url };
}

describe.sequential('the page', () => {
  test('who is not signed in is told how, and the printed link signs in once', {
    timeout: 180_000,
  }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await page.goto(url);
    await page.getByText('npm run picket -- sign-in').waitFor();
    const link = await (demo as RunningDemo).signInLink();
    await page.goto(link);
    await page.getByRole('heading', { name: 'Situation', level: 1 }).waitFor();
    expect(page.url()).toBe(`${url}/`);
    storage = await tab.storageState();
    expect(troubles).toEqual([]);
    const second = await open();
    await second.context.clearCookies();
    await second.page.goto(link);
    await second.page.getByText('This link was used or has expired').waitFor();
    await second.context.close();
    await tab.close();
  });

  test('alerts arrive live and are read by keyboard', { timeout: 180_000 }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await page.goto(url);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.getByRole('grid', { name: 'Alerts' }).waitFor({ timeout: 90_000 });
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    const beside = page.getByRole('complementary', { name: 'Alert' });
    await beside.getByText('Why it matched').waitFor();
    expect(new URL(page.url()).searchParams.get('alert')).not.toBeNull();
    await page.keyboard.press('Escape');
    await beside.waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.keyboard.type('rule.level: (high or critical)');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.search.includes('where='));
    await page.getByRole('grid', { name: 'Alerts' }).waitFor();
    await page.keyboard.press('Tab');
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Next and previous in a list').waitFor();
    expect(troubles).toEqual([]);
    await tab.close();
  });

  test('an alert opens its raw event, and a refused query says where it is wrong', {
    timeout: 120_000,
  }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, url } = await open();
    await page.goto(`${url}/alerts?site=${encodeURIComponent('["factory-lyon"]')}`);
    await page.getByRole('row').nth(1).click();
    const beside = page.getByRole('complementary', { name: 'Alert' });
    await beside.getByRole('button', { expanded: false }).first().click();
    await beside.getByRole('region', { name: 'Raw event' }).getByText('"@timestamp"').waitFor();
    await page.goto(`${url}/alerts?where=${encodeURIComponent('rule.level: (high')}`);
    await page.getByText('KQL_SYNTAX').first().waitFor();
    expect(await page.getByRole('searchbox').or(page.getByLabel('KQL query')).inputValue()).toBe(
      'rule.level: (high',
    );
    await tab.close();
  });

  test('the incident asks, is approved, and its change is applied at the site', {
    timeout: 300_000,
  }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await (demo as RunningDemo).storyTold();
    await page.goto(`${url}/incidents`);
    // The case that the story is about: it took over the others at its site while the story played.
    const asking = page
      .getByRole('row')
      .filter({ hasText: 'Critical' })
      .filter({ hasText: 'factory-lyon' })
      .first();
    await asking.waitFor({ timeout: 90_000 });
    await asking.click();
    const approval = page.getByRole('region', { name: 'Your approval is needed' }).first();
    await approval.waitFor({ timeout: 90_000 });
    incident = new URL(page.url()).pathname;
    await approval.getByText(BLOCKED, { exact: true }).waitFor();
    await page.getByRole('region', { name: 'Why these alerts stand together' }).waitFor();
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await page.getByText('Acknowledged', { exact: true }).first().waitFor();
    await approval.getByLabel('Reason').fill('known command and control server');
    await approval.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Approved', { exact: false }).first().waitFor();
    const change = page
      .locator('[data-change]')
      .filter({ hasText: BLOCKED })
      .filter({ hasText: 'Applied' })
      .first();
    await change.waitFor({ timeout: 60_000 });
    expect(await change.getByRole('timer').textContent()).toMatch(/^(?:59|1:00):\d\d/);
    await page.getByLabel('Comment').fill('blocked \u202Ewhile we look');
    await page.getByRole('button', { name: 'Comment' }).click();
    await page.getByText('U+202E').first().waitFor();
    expect(troubles).toEqual([]);
    await tab.close();
  });

  test('the change is lifted with a reason, and the site undoes it', {
    timeout: 120_000,
  }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await page.goto(`${url}/changes`);
    const change = page.locator('[data-change]').filter({ hasText: BLOCKED }).filter({ hasText: 'Applied' });
    await change.getByRole('button', { name: 'Lift' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('server was taken down');
    await dialog.getByRole('button', { name: 'Lift the change' }).click();
    await page
      .locator('[data-change]')
      .filter({ hasText: BLOCKED })
      .filter({ hasText: /Ended|lifted/ })
      .first()
      .waitFor({ timeout: 60_000 });
    await page.locator('[data-change]').filter({ hasText: BLOCKED }).getByRole('link').first().click();
    await page.getByRole('region', { name: 'Timeline' }).getByText('server was taken down').first().waitFor();
    expect(troubles).toEqual([]);
    await tab.close();
  });

  test('a search is narrowed by a field value and an event opens', { timeout: 120_000 }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await page.goto(`${url}/search?last=1h`);
    await page.getByRole('button', { name: 'Only this value: factory-lyon' }).click();
    await page.waitForFunction(() => location.search.includes('factory-lyon'));
    await page.getByText('As text').click();
    await page
      .getByRole('region', { name: 'Events' })
      .getByRole('button', { expanded: false })
      .first()
      .click();
    await page.getByRole('region', { name: 'Event as JSON' }).waitFor();
    expect(troubles).toEqual([]);
    await tab.close();
  });

  for (const [scheme, width] of [
    ['dark', 1280],
    ['light', 1280],
    ['dark', 390],
    ['light', 390],
  ] as const) {
    test(`in Chinese, ${scheme}, ${width} px: no English, nothing cut off, no barrier, no trouble`, {
      timeout: 120_000,
    }, async (context) => {
      requireReal(context, 'chromium', 'chinese-fonts');
      const { page, context: tab, troubles, url } = await open({ language: 'zh-CN', scheme, width });
      for (const view of [...VIEWS, '/sites/factory-lyon', incident ?? '/']) {
        await page.goto(`${url}${view}`);
        await page.locator('h1').first().waitFor();
        await page.waitForLoadState('load');
        await page.getByRole('status', { name: '正在加载' }).first().waitFor({ state: 'detached' });
        expect([view, await findEnglish(page)]).toEqual([view, []]);
        expect([view, await findOverflow(page)]).toEqual([view, undefined]);
        expect([view, await findBarriers(page)]).toEqual([view, []]);
      }
      expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
      expect(await page.evaluate(() => document.documentElement.dataset['mantineColorScheme'])).toBe(scheme);
      expect(troubles).toEqual([]);
      await tab.close();
    });
  }

  test('the chosen language and colours hold after a reload', { timeout: 60_000 }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, url } = await open();
    await page.goto(url);
    await page.getByText('简体中文').click();
    await page.getByRole('heading', { name: '态势' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: '态势' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await tab.close();
  });
});
