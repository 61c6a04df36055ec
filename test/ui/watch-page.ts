// Opens pages in real Chromium and keeps what went wrong in them: console errors, refused policies, failed requests.
import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors and warnings, exceptions, content security policy violations, answers of 500 and above. */
  readonly troubles: string[];
}

export async function watchPage(
  browser: Browser,
  options: {
    language?: 'en-US' | 'zh-CN';
    scheme?: 'dark' | 'light';
    width?: number;
    storage?: Awaited<ReturnType<BrowserContext['storageState']>>;
  } = {},
): Promise<WatchedPage> {
  const { language = 'en-US', scheme = 'dark', width = 1280, storage } = options;
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 844 : 800 },
    locale: language,
    colorScheme: scheme,
    ...(storage ? { storageState: storage } : {}),
  });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    const said = message.text();
    // Who is not yet signed in is told so by 401, which Chromium prints as an error.
    if (said.includes('status of 401')) return;
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(said);
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 500) troubles.push(`${response.status()} ${response.url()}`);
  });
  return { page, context, troubles };
}
