// Finds English words that a Chinese page should not have: all text, labels and hints but what is marked as data.
import type { Page } from 'playwright-core';

/** Names and abbreviations that stand in Chinese text as they are. */
const KEPT = /\b(?:Picket|KQL|ATT&CK|CK|ATT|JSON|UTC|SPIFFE|ID|g)\b/g;

/** Each trouble with the text it stands in. */
export async function findEnglish(page: Page): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const found: string[] = [];
    const isData = (element: Element | null): boolean =>
      element?.closest('[translate="no"],[aria-hidden="true"]') != null;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (
        !parent ||
        isData(parent) ||
        ['SCRIPT', 'STYLE', 'CODE', 'KBD', 'TIME', 'TEXT'].includes(parent.tagName.toUpperCase())
      )
        continue;
      found.push(node.textContent ?? '');
    }
    for (const element of document.querySelectorAll('[aria-label],[title],[placeholder]')) {
      if (isData(element)) continue;
      for (const name of ['aria-label', 'title']) {
        const value = element.getAttribute(name);
        if (value !== null && element.tagName !== 'TIME') found.push(value);
      }
      // The placeholder of a query bar is an example in KQL.
      if (!element.hasAttribute('data-search')) found.push(element.getAttribute('placeholder') ?? '');
    }
    return found;
  });
  // A label that names a record ends in `: value`, which is data.
  return texts.filter((text) => /[A-Za-z]{2,}/.test(text.replace(/: .*$/s, '').replace(KEPT, '')));
}
