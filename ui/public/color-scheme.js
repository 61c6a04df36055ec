// Sets colour scheme and language before the first paint; a file of its own because the page allows no inline script.
(() => {
  const root = document.documentElement;
  let scheme = null;
  let language = null;
  try {
    scheme = localStorage.getItem('picket-color-scheme');
    language = localStorage.getItem('picket-language');
  } catch {
    // Storage may be forbidden: the defaults hold.
  }
  const dark =
    scheme === 'dark' || (scheme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
  root.lang = language ?? (navigator.language.startsWith('zh') ? 'zh-CN' : 'en');
})();
