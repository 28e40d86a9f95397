// A page with Grafana's published runtime (@grafana/data, runtime, ui) that loads the built app as Grafana does: through
// SystemJS, with Grafana's own copies of the shared libraries.
import * as emotion from '@emotion/css';
import * as data from '@grafana/data';
import * as runtime from '@grafana/runtime';
import { setPluginPage } from '../node_modules/@grafana/runtime/dist/esm/components/PluginPage.mjs';
import * as ui from '@grafana/ui';
import * as react from 'react';
import * as jsx from 'react/jsx-runtime';
import { createRoot } from 'react-dom/client';
import { Router } from 'react-router-dom';
import * as router from 'react-router-dom-v5-compat';
import * as rxjs from 'rxjs';
import { backendSrv } from './backendSrv';
import { Frame, Page, type Include } from './Frame';

const { CompatRouter, Route, Routes } = router;

const SHARED: Record<string, object> = {
  '@emotion/css': emotion,
  '@grafana/data': data,
  '@grafana/runtime': runtime,
  '@grafana/ui': ui,
  react,
  'react/jsx-runtime': jsx,
  // As in Grafana: what plugins know as version 6 of the router.
  'react-router': router,
  rxjs,
};

declare const System: {
  set(id: string, module: object): void;
  addImportMap(map: { imports: Record<string, string> }): void;
  import(url: string): Promise<{ plugin: data.AppPlugin<object> }>;
};

const BASE = '/a/betrace-app';

async function loadPlugin() {
  for (const [name, module] of Object.entries(SHARED)) {
    System.set(`package:${name}`, module);
  }
  const imports = Object.fromEntries(Object.keys(SHARED).map((name) => [name, `package:${name}`]));
  System.addImportMap({ imports });
  const { plugin } = await System.import('/public/plugins/betrace-app/module.js');
  const meta = await rxjs.lastValueFrom(
    backendSrv.fetch<data.AppPluginMeta<object>>({ url: '/api/plugins/betrace-app/settings' })
  );
  plugin.meta = meta.data;
  return plugin;
}

function pagesFor(plugin: data.AppPlugin<object>): Include[] {
  const { orgRole } = runtime.config.bootData.user;
  const roles = ['Viewer', 'Editor', 'Admin'];
  return ((plugin.meta.includes ?? []) as unknown as Include[])
    .filter(({ addToNav, role }) => addToNav && roles.indexOf(orgRole) >= roles.indexOf(role))
    .map((page) => ({ ...page, path: page.path.replace('%PLUGIN_ID%', 'betrace-app') }));
}

function App({ plugin }: { plugin: data.AppPlugin<object> }) {
  const location = router.useLocation();
  const Root = plugin.root!;
  const { body: Config } = plugin.configPages![0];
  return (
    <Frame pages={pagesFor(plugin)}>
      <Routes>
        <Route
          path={`${BASE}/*`}
          element={
            <Root
              meta={plugin.meta}
              basename={BASE}
              path={location.pathname}
              query={{}}
              onNavChanged={() => undefined}
            />
          }
        />
        <Route path="/plugins/betrace-app" element={<Config plugin={plugin} query={{}} />} />
        <Route path="*" element={<p>Elsewhere in Grafana</p>} />
      </Routes>
    </Frame>
  );
}

/** Grafana follows links in its own pages without loading anew. */
function followLinks() {
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || link.target) {
      return;
    }
    const url = new URL(link.href, location.href);
    if (url.origin === location.origin) {
      event.preventDefault();
      runtime.locationService.push(url.pathname + url.search);
    }
  });
}

async function start() {
  runtime.setBackendSrv(backendSrv);
  setPluginPage(Page);
  data.locationUtil.initialize({
    config: runtime.config as unknown as data.GrafanaConfig,
    getVariablesUrlParams: () => ({}),
    getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }),
  });
  followLinks();
  const plugin = await loadPlugin();
  createRoot(document.getElementById('root')!).render(
    <data.ThemeContext.Provider value={runtime.config.theme2}>
      <ui.GlobalStyles />
      <Router history={runtime.locationService.getHistory()}>
        <CompatRouter>
          <App plugin={plugin} />
        </CompatRouter>
      </Router>
      <ui.PortalContainer />
    </data.ThemeContext.Provider>
  );
}

void start();
