// A case worked in real Chromium against the real server: risk, tasks, evidence, merging and splitting, a false verdict.
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { chromiumLaunch } from '../services/chromium.ts';
import { requireReal } from '../services/require-real.ts';
import { findBarriers, findOverflow } from './find-barriers.ts';
import { findEnglish } from './find-english.ts';
import { type RunningDemo, startDemo } from './start-demo.ts';
import { watchPage } from './watch-page.ts';

let demo: RunningDemo | undefined;
let browser: Browser | undefined;

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

describe.sequential('a case', () => {
  test('is worked to its end: what it weighs, what is to be done, what belongs to it, and why it was none', {
    timeout: 400_000,
  }, async (context) => {
    requireReal(context, 'chromium');
    demo = await startDemo();
    browser = await chromium.launch(chromiumLaunch());
    const { page, troubles, context: tab } = await watchPage(browser);
    await page.goto(await demo.signInLink());
    await page.getByRole('heading', { name: 'Situation', level: 1 }).waitFor();
    await demo.storyTold();
    // What goes on stands as one row, and an alert says what is known of its entities.
    await page.goto(`${demo.url}/alerts`);
    await page.getByRole('switch', { name: 'One row for what goes on' }).click();
    await page.getByRole('columnheader', { name: 'Since' }).waitFor();
    const rows = await page.getByRole('row').count();
    expect(rows).toBeGreaterThan(10);
    if (process.env['PICKET_SHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['PICKET_SHOTS']}/alert-groups-dark-en.png` });
    await page.getByRole('link', { name: 'Container With A Known Critical Flaw' }).first().click();
    await page
      .getByText(/other alerts/)
      .first()
      .waitFor();
    await page
      .getByText(/findings? of scans/)
      .first()
      .waitFor();
    expect(await findBarriers(page)).toEqual([]);
    if (process.env['PICKET_SHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['PICKET_SHOTS']}/alert-dark-en.png` });
    await page.goto(`${demo.url}/incidents`);
    await page
      .getByRole('row')
      .filter({ hasText: 'factory-shenzhen' })
      .filter({ hasText: 'Critical' })
      .first()
      .click();
    const risk = panel(page, 'Risk');
    await risk.getByText('The gravest alert:').waitFor();
    await risk.getByText('of 100').waitFor();
    expect(await page.getByText('Detected after').count()).toBe(1);

    // It was asked about by itself; each sentence leads to what it stands on.
    const asked = panel(page, 'Investigated by itself');
    await asked.getByText(/alerts? of \d+ rules? at factory-shenzhen/).waitFor({ timeout: 30_000 });
    await asked.getByText('What was found, in time').click();
    expect(await asked.getByRole('listitem').count()).toBeGreaterThan(3);
    await asked.getByRole('button', { name: 'Ask again' }).click();
    await asked.getByText(/questions in \d+ ms/).waitFor();
    if (process.env['PICKET_SHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['PICKET_SHOTS']}/investigation-dark-en.png` });

    const tasks = panel(page, 'Tasks');
    await tasks.getByLabel('New task').fill('Ask the line');
    await tasks.getByRole('button', { name: 'Add' }).click();
    await tasks.getByRole('checkbox', { name: 'Ask the line' }).click();
    await expect.poll(() => tasks.getByRole('checkbox', { name: 'Ask the line' }).isChecked()).toBe(true);

    const evidence = panel(page, 'Evidence');
    await evidence.getByLabel('Id, hash or address').fill('https://tickets.example/42');
    await evidence.getByLabel('Note').fill('the ticket');
    await evidence.getByRole('combobox', { name: 'Kind' }).click();
    await page.getByRole('option', { name: 'Link' }).click();
    await evidence.getByRole('button', { name: 'Add' }).click();
    await evidence.getByRole('link', { name: 'https://tickets.example/42' }).waitFor();

    // One alert is detached, and comes back by a merge that is taken back.
    const joined = panel(page, 'Why these alerts stand together');
    const alerts = panel(page, 'Alerts');
    const before = await alerts.getByRole('listitem').count();
    await joined.getByRole('button', { name: 'Split' }).click();
    const split = page.getByRole('dialog', { name: 'Set alerts apart' });
    await split.getByRole('checkbox').first().click();
    await split.getByLabel('Reason').fill('another machine');
    await split.getByRole('button', { name: 'Split' }).click();
    await expect.poll(() => alerts.getByRole('listitem').count(), { timeout: 20_000 }).toBe(before - 1);
    await joined.getByText('another machine').waitFor();
    await joined.getByRole('button', { name: 'Merge' }).click();
    const merge = page.getByRole('dialog', { name: 'Merge with another incident' });
    await merge.getByRole('combobox', { name: 'Incident' }).click();
    await page.getByRole('option').filter({ hasText: 'factory-shenzhen' }).first().click();
    await merge.getByLabel('Reason').fill('the same after all');
    await merge.getByRole('button', { name: 'Merge' }).click();
    await expect.poll(() => alerts.getByRole('listitem').count(), { timeout: 20_000 }).toBe(before);
    await joined.getByText('Put together by a person').waitFor();
    await joined.getByRole('button', { name: 'Take the merge back' }).click();
    await expect.poll(() => alerts.getByRole('listitem').count(), { timeout: 20_000 }).toBeLessThan(before);

    // A false verdict offers the exception that would have prevented it.
    await page.getByRole('button', { name: 'Close as' }).click();
    await page.getByRole('menuitem', { name: 'False positive' }).click();
    const close = page.getByRole('dialog', { name: 'Close the incident: False positive' });
    await close.getByLabel('Reason').fill('a test of ours');
    await close.getByRole('button', { name: 'Close', exact: true }).last().click();
    const prevented = panel(page, 'Exceptions that would have prevented it');
    await prevented.getByRole('button', { name: 'Propose an exception' }).first().click();
    await page.getByRole('dialog').getByRole('checkbox').first().waitFor();
    await page.keyboard.press('Escape');

    expect(await findBarriers(page)).toEqual([]);
    expect(await findOverflow(page)).toBeUndefined();
    const storage = await tab.storageState();
    const path = new URL(page.url()).pathname;
    for (const scheme of ['dark', 'light'] as const) {
      const chinese = await watchPage(browser, { language: 'zh-CN', scheme, storage });
      await chinese.page.goto(`${demo.url}${path}`);
      await panel(chinese.page, '风险').waitFor();
      expect(await findEnglish(chinese.page)).toEqual([]);
      expect(await findBarriers(chinese.page)).toEqual([]);
      if (process.env['PICKET_SHOTS'] !== undefined)
        await chinese.page.screenshot({
          path: `${process.env['PICKET_SHOTS']}/case-${scheme}-zh.png`,
          fullPage: true,
        });
      expect(chinese.troubles).toEqual([]);
      await chinese.context.close();
    }
    if (process.env['PICKET_SHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['PICKET_SHOTS']}/case-light-en.png`, fullPage: true });
    expect(troubles).toEqual([]);
  });
});
