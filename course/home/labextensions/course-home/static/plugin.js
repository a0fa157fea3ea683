// The course home as a plugin of JupyterLab: its tab, the ways to it, and when it is read anew.

import { CoursePage } from './page.js';

/** The modules of JupyterLab whose names `makePlugin` is given. */
export const NEEDED = [
  '@jupyterlab/application',
  '@jupyterlab/apputils',
  '@jupyterlab/coreutils',
  '@jupyterlab/launcher',
  '@jupyterlab/notebook',
  '@jupyterlab/services',
  '@jupyterlab/ui-components',
  '@lumino/polling',
  '@lumino/widgets',
];

const OPEN = 'course:home';
const LABEL = 'Course home';
/** Below this width, in pixels, the file browser would leave no room for the page. */
const NARROW = 760;

/** Return the plugin, made with what JupyterLab exports. */
export function makePlugin(lab) {
  return {
    id: 'course-home:plugin',
    description: 'The modules of the course, with progress and what is next.',
    autoStart: true,
    requires: [lab.ILabShell, lab.ICommandPalette, lab.ILauncher, lab.ILayoutRestorer],
    activate(app, shell, palette, launcher, restorer) {
      addStyle();
      const tracker = new lab.WidgetTracker({ namespace: 'course-home' });
      const state = { tab: null };

      app.commands.addCommand(OPEN, {
        label: LABEL,
        caption: 'The modules of the course, your progress, and what is next',
        icon: lab.homeIcon,
        execute: () => {
          if (!state.tab || state.tab.isDisposed) {
            state.tab = makeTab(lab, app);
            void tracker.add(state.tab);
          }
          if (!state.tab.isAttached) {
            shell.add(state.tab, 'main');
          }
          shell.activateById(state.tab.id);
        },
      });
      palette.addItem({ command: OPEN, category: 'Course' });
      launcher.add({ command: OPEN, category: 'Course', rank: 0 });
      shell.add(makeButton(lab, app), 'top', { rank: 1 });
      void restorer.restore(tracker, { command: OPEN, name: () => 'home' });

      // An address that names a notebook has been opened for that notebook's sake.
      if (!lab.PageConfig.getOption('treePath')) {
        void app.restored.then(() => {
          if (window.innerWidth < NARROW) {
            shell.collapseLeft();
          }
          return app.commands.execute(OPEN);
        });
      }
    },
  };
}

function addStyle() {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL('home.css', import.meta.url).href;
  document.head.append(link);
}

/** Return the button that leads home from everywhere, for the top of the window. */
function makeButton(lab, app) {
  const widget = new lab.Widget();
  widget.id = 'course-home-button';
  const button = document.createElement('button');
  button.type = 'button';
  button.title = 'Modules, progress, and what is next';
  lab.homeIcon.element({ container: button, tag: 'span', width: '16px', height: '16px' });
  button.append(LABEL);
  button.addEventListener('click', () => void app.commands.execute(OPEN));
  widget.node.append(button);
  return widget;
}

/** Return the tab with the page in it. */
function makeTab(lab, app) {
  const settings = app.serviceManager.serverSettings;

  async function request(options, ...parts) {
    const address = lab.URLExt.join(settings.baseUrl, 'course', ...parts);
    const answer = await lab.ServerConnection.makeRequest(address, options, settings);
    if (!answer.ok) {
      throw await lab.ServerConnection.ResponseError.create(answer);
    }
    return answer.json();
  }

  const page = new CoursePage({
    read: () => request({}, 'home'),
    async openLab(name, heading) {
      const { path } = await request({ method: 'POST', body: JSON.stringify({ lab: name }) }, 'copy');
      const notebook = await app.commands.execute('docmanager:open', { path });
      if (notebook && heading) {
        await notebook.context.ready;
        // As JupyterLab makes a heading's anchor.
        notebook.setFragment(`#${heading.replaceAll(' ', '-')}`);
      }
    },
    openNotebook: (path) => app.commands.execute('docmanager:open', { path }),
    openReading: (path) =>
      app.commands.execute('docmanager:open', { path, factory: 'Markdown Preview' }),
    report: (error) => void lab.showErrorMessage('The course', error),
  });

  class Content extends lab.Widget {
    onAfterAttach() {
      void page.refresh();
    }
    onAfterShow() {
      void page.refresh();
    }
  }
  const content = new Content({ node: page.node });
  content.id = 'course-home-page';
  const tab = new lab.MainAreaWidget({ content });
  tab.id = 'course-home';
  tab.toolbar.hide();
  tab.title.label = LABEL;
  tab.title.icon = lab.homeIcon;
  tab.title.closable = true;

  // A check that ran, a notebook that was saved or graded elsewhere, a window that one returns to.
  const soon = new lab.Debouncer(() => (content.isVisible ? page.refresh() : undefined), 200);
  const refreshSoon = () => void soon.invoke();
  lab.NotebookActions.executed.connect(refreshSoon);
  app.serviceManager.contents.fileChanged.connect(refreshSoon);
  window.addEventListener('focus', refreshSoon);
  document.addEventListener('visibilitychange', refreshSoon);
  tab.disposed.connect(() => {
    lab.NotebookActions.executed.disconnect(refreshSoon);
    app.serviceManager.contents.fileChanged.disconnect(refreshSoon);
    window.removeEventListener('focus', refreshSoon);
    document.removeEventListener('visibilitychange', refreshSoon);
    soon.dispose();
  });
  return tab;
}
