// The addresses of the page; what stands after `?` is the whole state of a view, and each view is its own chunk.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Loading } from '../elements/list-states.tsx';
import { NotFound } from './not-found.tsx';
import { PageError } from './page-error.tsx';
import { SessionGate } from './session-gate.tsx';
import { readAlertsView, readIncidentsView, readSearchView } from './view-state.ts';

const root = createRootRoute({ component: SessionGate, notFoundComponent: NotFound });

const routes = [
  createRoute({
    getParentRoute: () => root,
    path: '/',
    component: lazyRouteComponent(() => import('../features/situation/situation-page.tsx'), 'SituationPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/sign-in',
    component: lazyRouteComponent(() => import('../features/session/signing-in-page.tsx'), 'SigningInPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/sites/$id',
    component: lazyRouteComponent(() => import('../features/sites/site-page.tsx'), 'SitePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/incidents',
    validateSearch: readIncidentsView,
    component: lazyRouteComponent(() => import('../features/incidents/incidents-page.tsx'), 'IncidentsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/incidents/$id',
    component: lazyRouteComponent(() => import('../features/incidents/incident-page.tsx'), 'IncidentPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/alerts',
    validateSearch: readAlertsView,
    component: lazyRouteComponent(() => import('../features/alerts/alerts-page.tsx'), 'AlertsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/alerts/$id',
    component: lazyRouteComponent(() => import('../features/alerts/alert-page.tsx'), 'AlertPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/search',
    validateSearch: readSearchView,
    component: lazyRouteComponent(() => import('../features/search/search-page.tsx'), 'SearchPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/approvals',
    component: lazyRouteComponent(() => import('../features/approvals/approvals-page.tsx'), 'ApprovalsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/changes',
    component: lazyRouteComponent(() => import('../features/changes/changes-page.tsx'), 'ChangesPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/report',
    component: lazyRouteComponent(() => import('../features/report/report-page.tsx'), 'ReportPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/rules',
    component: lazyRouteComponent(() => import('../features/rules/rules-page.tsx'), 'RulesPage'),
  }),
] as const;

export function createPageRouter() {
  return createRouter({
    routeTree: root.addChildren([...routes]),
    defaultPreload: 'intent',
    defaultPendingComponent: Loading,
    defaultErrorComponent: PageError,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>;
  }
}
