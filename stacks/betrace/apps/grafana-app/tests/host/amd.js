// As in Grafana: `define` of AMD is hidden from the page's own libraries and given to plugins alone.
(() => {
  window.__grafana_amd_define = window.define;
  window.define = undefined;
  const loader = System.constructor.prototype;
  const fetchSource = loader.fetch;
  loader.shouldFetch = () => true;
  loader.fetch = async function (url, options) {
    const response = await fetchSource.call(this, url, options);
    const source = `(function(define) {\n${await response.text()}\n})(window.__grafana_amd_define);`;
    return new Response(new Blob([source], { type: 'text/javascript' }));
  };
})();
