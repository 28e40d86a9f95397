import { AppPlugin } from '@grafana/data';
import { App } from './pages/App';
import { ConfigPage, type Settings } from './pages/ConfigPage';

export const plugin = new AppPlugin<Settings>().setRootPage(App).addConfigPage({
  title: 'Configuration',
  icon: 'cog',
  id: 'configuration',
  body: ConfigPage,
});
