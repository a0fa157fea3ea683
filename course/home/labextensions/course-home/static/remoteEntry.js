// The container that JupyterLab's module federation asks for, written by hand: it hands the
// modules that JupyterLab shares to plugin.js, which is loaded as it stands.
(() => {
  const folder = document.currentScript.src;
  let shared = {};

  async function load(name) {
    const versions = Object.values(shared[name] || {});
    if (!versions.length) {
      throw new Error(`The course home needs ${name}, which this JupyterLab does not share.`);
    }
    const module = versions.find((version) => version.loaded) || versions[0];
    return (await module.get())();
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['course-home'] = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const { NEEDED, makePlugin } = await import(new URL('plugin.js', folder));
      const modules = await Promise.all(NEEDED.map(load));
      const exported = Object.assign({}, ...modules);
      return () => ({ __esModule: true, default: makePlugin(exported) });
    },
  };
})();
