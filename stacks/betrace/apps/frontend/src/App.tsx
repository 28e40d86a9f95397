import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { ApiError } from './api/error';
import { type Config, ConfigContext } from './config';
import { NotFound } from './parts/NotFound';
import { Loading } from './parts/States';
import { RulesPage } from './rules/RulesPage';
import { Boundary } from './shell/Boundary';
import { KeyPrompt } from './shell/KeyDialog';
import { Shell } from './shell/Shell';
import { StatusPage } from './status/StatusPage';
import { theme } from './theme';
import { ViolationPage } from './violations/ViolationPage';
import { ViolationsPage } from './violations/ViolationsPage';

// The charts and the editor are large, and not needed everywhere.
const DashboardPage = lazy(() => import('./dashboard/DashboardPage'));
const RulePage = lazy(() => import('./rules/RulePage'));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.isPassing,
    },
  },
});

export function App({ config }: { config: Config }) {
  return (
    <ConfigContext value={config}>
      <QueryClientProvider client={client}>
        <MantineProvider theme={theme} defaultColorScheme="auto">
          <Notifications position="bottom-right" className="notifications" />
          <KeyPrompt />
          <Shell>
            <Boundary>
              <Suspense fallback={<Loading what="the page" />}>
                <Routes />
              </Suspense>
            </Boundary>
          </Shell>
        </MantineProvider>
      </QueryClientProvider>
    </ConfigContext>
  );
}

function Routes() {
  return (
    <Switch>
      <Route path="/" component={DashboardPage} />
      <Route path="/rules" component={RulesPage} />
      <Route path="/rules/new">
        <RulePage key="new" />
      </Route>
      <Route path="/rules/:id">{({ id }) => <RulePage key={id} id={id} />}</Route>
      <Route path="/violations" component={ViolationsPage} />
      <Route path="/violations/:id">{({ id }) => <ViolationPage key={id} id={id} />}</Route>
      <Route path="/status" component={StatusPage} />
      <Route component={NotFound} />
    </Switch>
  );
}
