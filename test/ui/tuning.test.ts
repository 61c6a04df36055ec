// Tuning in real Chromium against a real site: why an alert matched, an exception made from it, seen and removed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { buildPage } from '../../server/demo/build-page.ts';
import { writeSite } from '../server/site-files.ts';
import { clientOf, makeFolder, type RunningPicket, runPicket, startPicket } from '../server/start-picket.ts';
import { chromiumLaunch } from '../services/chromium.ts';
import { requireReal } from '../services/require-real.ts';
import { waitUntil } from '../services/wait-until.ts';
import { findBarriers, findOverflow } from './find-barriers.ts';
import { findEnglish } from './find-english.ts';
import { watchPage } from './watch-page.ts';

const FALCO = join(import.meta.dirname, '../../demo/recordings/falco.ndjson');
const { folder, remove } = makeFolder();
const data = join(folder, 'data');
let site: RunningPicket | undefined;
let browser: Browser | undefined;
let storage: Awaited<ReturnType<BrowserContext['storageState']>> | undefined;

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  remove();
});

/** Starts a site with alerts of its own by the first test that runs, and signs in once. */
async function open(options: Parameters<typeof watchPage>[1] = {}) {
  if (!site) {
    await buildPage(() => undefined);
    const { file } = writeSite({ folder, tier: 'centre' });
    site = await startPicket(['up', '--site', file]);
    // The shift puts the recording into the days that a preview looks at.
    const [first = ''] = readFileSync(FALCO, 'utf8').split('\n');
    const began = Date.parse((JSON.parse(first) as { time: string }).time);
    const shift = String(Math.floor(Date.now() - 3_600_000 - began));
    await runPicket(['replay', FALCO, '--source', 'falco', '--data', data, '--shift', shift]);
    await waitUntil({
      what: 'alerts',
      holds: async () => (await clientOf(data).call<{ total: number }>('GET', '/api/v1/alerts')).total > 2,
      timeout_ms: 30_000,
    });
  }
  browser ??= await chromium.launch(chromiumLaunch());
  if (!storage) {
    const { page, context } = await watchPage(browser);
    await page.goto(site.signIn);
    await page.locator('h1').first().waitFor();
    storage = await context.storageState();
    await context.close();
  }
  const watched = await watchPage(browser, { ...options, storage });
  return { ...watched, url: site.url };
}

/** Waits until nothing is loading. */
async function settle(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => document.querySelector('[role="status"] .mantine-Skeleton-root') === null);
}

describe.sequential('tuning on the page', () => {
  test('an event of an alert shows the tree of its rule', { timeout: 180_000 }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await page.goto(`${url}/alerts`);
    await page.getByRole('row').nth(1).click();
    const beside = page.getByRole('complementary', { name: 'Alert' });
    await beside.getByRole('button', { expanded: false }).first().click();
    const tree = beside.getByRole('region', { name: 'The rule on this event' });
    await tree.waitFor();
    expect(await tree.getByRole('listitem').count()).toBeGreaterThan(1);
    expect(await tree.locator('li[data-holds]').count()).toBeGreaterThan(0);
    expect(await findBarriers(page)).toEqual([]);
    expect(troubles).toEqual([]);
    await tab.close();
  });

  test('an exception is made from an alert after its preview, stands in the list, and is removed', {
    timeout: 180_000,
  }, async (context) => {
    requireReal(context, 'chromium');
    const { page, context: tab, troubles, url } = await open();
    await page.goto(`${url}/alerts`);
    await page.getByRole('row').nth(1).click();
    const beside = page.getByRole('complementary', { name: 'Alert' });
    await beside.getByRole('button', { name: 'Make an exception' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make an exception' });
    const make = dialog.getByRole('button', { name: 'Put in force' });
    await make.waitFor();
    expect(await make.isDisabled()).toBe(true);
    expect(await dialog.getByRole('checkbox', { checked: true }).count()).toBeGreaterThan(0);
    await dialog.getByLabel('Reason').fill('A drill of ours');
    await dialog.getByRole('button', { name: 'Preview over 7 days' }).click();
    const preview = dialog.getByRole('status', { name: 'What it would have hidden' });
    await preview.waitFor();
    expect(await preview.textContent()).toMatch(/[1-9]\d* of \d+ matches would have been hidden/);
    expect(await findBarriers(page)).toEqual([]);
    await make.click();
    await dialog.waitFor({ state: 'detached' });

    await page.goto(`${url}/rules`);
    const list = page.getByRole('region', { name: 'Exceptions' }).last();
    const row = list.getByRole('row').filter({ hasText: 'A drill of ours' });
    await row.getByText('In force').waitFor();
    const { exceptions } = await clientOf(data).call<{ exceptions: { author: string; reason: string }[] }>(
      'GET',
      '/api/v1/rules/exceptions',
    );
    expect(exceptions).toMatchObject([{ author: 'operator', reason: 'A drill of ours' }]);
    await row.getByRole('button', { name: 'Remove' }).click();
    const asked = page.getByRole('dialog', { name: 'Remove the exception' });
    await asked.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('No exceptions').waitFor();
    expect(troubles).toEqual([]);
    await tab.close();
  });

  for (const [scheme, width] of [
    ['dark', 1280],
    ['light', 390],
  ] as const) {
    test(`in Chinese, ${scheme}, ${width} px: rules, the tree and the form without English or barriers`, {
      timeout: 180_000,
    }, async (context) => {
      requireReal(context, 'chromium', 'chinese-fonts');
      const { page, context: tab, troubles, url } = await open({ language: 'zh-CN', scheme, width });
      const check = async (view: string): Promise<void> => {
        expect([view, await findEnglish(page)]).toEqual([view, []]);
        expect([view, await findOverflow(page)]).toEqual([view, undefined]);
        expect([view, await findBarriers(page)]).toEqual([view, []]);
      };
      await page.goto(`${url}/rules`);
      await settle(page);
      await page.getByText('没有例外').waitFor();
      await check('rules');
      const { alerts } = await clientOf(data).call<{ alerts: { id: string; rule: { kind: string } }[] }>(
        'GET',
        '/api/v1/alerts',
      );
      const plain = alerts.find(({ rule }) => rule.kind === 'plain');
      await page.goto(`${url}/alerts/${plain?.id}`);
      await page.getByRole('button', { name: '添加例外' }).waitFor();
      await page.locator('main').getByRole('button', { expanded: false }).first().click();
      await page.getByRole('region', { name: '规则与该日志' }).waitFor();
      await check('tree');
      await page.getByRole('button', { name: '添加例外' }).click();
      await page.getByLabel('原因').fill('演练');
      await page.getByRole('button', { name: '预览最近 7 天' }).click();
      await page.getByRole('status', { name: '将会隐藏的内容' }).waitFor();
      await check('form');
      expect(troubles).toEqual([]);
      await tab.close();
    });
  }
});
