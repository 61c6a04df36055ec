// Starts the page: translations first, then everything under its providers.
import './app/fonts.css';
import '@mantine/core/styles.css';
import './app/base.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { startTranslations } from './i18n/start.ts';

await startTranslations();
const root = document.querySelector('#root');
if (root) createRoot(root).render(<App />);
