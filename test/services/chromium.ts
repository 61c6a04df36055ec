/** Says where the real Chromium is and with which flags it runs as root without a screen. */
import { requireProgram } from './programs.ts';

/** For playwright-core's `chromium.launch`. */
export function chromiumLaunch(): { executablePath: string; args: string[] } {
  return {
    executablePath: requireProgram('chromium'),
    args: [
      '--no-sandbox',
      '--headless',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-dev-shm-usage',
    ],
  };
}
