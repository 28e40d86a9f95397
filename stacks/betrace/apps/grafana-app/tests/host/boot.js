// What Grafana's server writes into its page: who is logged in and what they may do. The cookies stand for the login.
(() => {
  const cookies = Object.fromEntries(document.cookie.split('; ').map((pair) => pair.split('=')));
  const orgRole = cookies.role ?? '';
  window.__grafana_public_path__ = '/public/';
  window.grafanaBootData = {
    user: {
      isSignedIn: orgRole !== '',
      orgRole,
      isGrafanaAdmin: false,
      theme: cookies.theme ?? 'dark',
      timezone: 'utc',
      // Grafana gives Explore to Editors and Admins.
      permissions: orgRole === 'Viewer' ? {} : { 'datasources:explore': true },
    },
    settings: { exploreEnabled: true, appSubUrl: '', featureToggles: {} },
    navTree: [],
  };
})();
