import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ComponentType, lazy, Suspense } from 'react';
import { BrowserRouter, Route, Routes, useLocation, useParams } from 'react-router';
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
          {/* Fields that the address controls must follow it at once. */}
          <BrowserRouter useTransitions={false}>
            <Shell>
              <Pages />
            </Shell>
          </BrowserRouter>
        </MantineProvider>
      </QueryClientProvider>
    </ConfigContext>
  );
}

function Pages() {
  const { pathname } = useLocation();
  return (
    // What broke one page does not stand in the way of the next.
    <Boundary key={pathname}>
      <Suspense fallback={<Loading what="the page" />}>
        <Routes>
          <Route path="/" element={<DashboardPage />} />
          <Route path="/rules" element={<RulesPage />} />
          <Route path="/rules/new" element={<RulePage />} />
          <Route path="/rules/:id" element={<ById page={RulePage} />} />
          <Route path="/violations" element={<ViolationsPage />} />
          <Route path="/violations/:id" element={<ById page={ViolationPage} />} />
          <Route path="/status" element={<StatusPage />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </Boundary>
  );
}

function ById({ page: PageOf }: { page: ComponentType<{ id: string }> }) {
  const { id = '' } = useParams();
  return <PageOf id={id} />;
}
