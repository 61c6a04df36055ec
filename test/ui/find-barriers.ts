// Finds what keeps people out of a view or makes it scroll sideways, by axe and by measuring.
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Breaches of WCAG 2.2 A and AA that axe finds, as `rule: element`. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: rules } = globalThis as unknown as { axe: typeof axe };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await rules.run({ runOnly: tags });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
  });
}

/** Where the view scrolls sideways, the part that makes it do so. */
export async function findOverflow(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const main = document.querySelector('main');
    if (document.documentElement.scrollWidth > innerWidth) return 'document';
    return main && main.scrollWidth > main.clientWidth ? 'main' : undefined;
  });
}
