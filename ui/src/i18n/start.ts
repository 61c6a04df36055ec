// Starts the translations: the chosen language's resources are loaded, the other only when it is asked for.
import i18next, { type Resource, changeLanguage as switchTo, use } from 'i18next';
import { initReactI18next } from 'react-i18next';

export const LANGUAGES = ['en', 'zh-CN'] as const;
export type Language = (typeof LANGUAGES)[number];

const STORAGE_KEY = 'picket-language';

async function load(language: Language): Promise<Resource[string]> {
  const { default: translation } =
    language === 'en' ? await import('./en/index.ts') : await import('./zh-CN/index.ts');
  return { translation };
}

/** What was chosen before, else what the browser prefers. */
export function preferredLanguage(): Language {
  return document.documentElement.lang.startsWith('zh') ? 'zh-CN' : 'en';
}

export async function startTranslations(): Promise<void> {
  const language = preferredLanguage();
  document.documentElement.lang = language;
  // `use` is i18next's own, no hook of React's.
  await use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: await load(language) },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

export async function changeLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, 'translation')) {
    const { translation } = await load(language);
    i18next.addResourceBundle(language, 'translation', translation);
  }
  await switchTo(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(STORAGE_KEY, language);
  } catch {
    // Storage may be forbidden: the choice then lasts as long as the page.
  }
}
