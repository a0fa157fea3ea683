// The page itself: what the server says of the course, as headings, cards and buttons.

const STATUS = { 'not started': 'Not started', 'in progress': 'In progress', done: 'Done' };
const ACTION = { 'not started': 'Start', 'in progress': 'Continue', done: 'Open again' };

export class CoursePage {
  /**
   * `actions` holds what the page asks of JupyterLab: read() for the data, openLab(name, heading),
   * openNotebook(path), openReading(path), and report(error).
   */
  constructor(actions) {
    this.actions = actions;
    this.shown = '';
    this.node = element('div', { className: 'course-home', tabIndex: -1 });
    this.main = element('main', { className: 'course-home-main' });
    this.main.append(element('p', { textContent: 'Reading the course …' }));
    this.node.append(this.main);
    this.problem = element('p', { className: 'course-home-remark', role: 'alert' });
  }

  /** Read the course, and draw it anew if anything has changed. */
  async refresh() {
    let course;
    try {
      course = await this.actions.read();
    } catch (error) {
      this.showProblem(error);
      return;
    }
    this.problem.remove();
    const text = JSON.stringify(course);
    if (text === this.shown) {
      return;
    }
    this.shown = text;
    const focused = this.main.contains(document.activeElement)
      ? document.activeElement.dataset.key
      : undefined;
    this.main.replaceChildren(...this.parts(course));
    if (focused) {
      this.main.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  showProblem(error) {
    this.problem.textContent =
      'The course could not be read' +
      (this.shown ? ', so your progress may be further than shown here' : '') +
      `: ${error.message || error}. It is read again when you come back to this tab.`;
    if (this.shown) {
      this.main.querySelector('h1').after(this.problem);
    } else {
      this.main.replaceChildren(this.problem);
    }
  }

  parts(course) {
    const labs = course.modules.flatMap((module) => module.labs);
    const done = labs.filter((lab) => lab.status === 'done').length;
    const parts = [
      element('h1', { textContent: 'Machine-learning system design' }),
      element('p', {
        className: 'course-home-sum',
        textContent:
          `${number(course.points)} of ${points(course.max_points)} · ` +
          `${done} of ${labs.length} labs done`,
      }),
    ];
    if (course.remark) {
      parts.push(element('p', { className: 'course-home-remark', textContent: course.remark }));
    }
    parts.push(this.next(course.next));
    parts.push(...course.modules.map((module) => this.module(module)));
    return parts;
  }

  next(next) {
    const box = element('section', { className: 'course-home-next' });
    box.setAttribute('aria-label', 'What is next');
    if (!next) {
      box.append(
        element('p', { textContent: 'Every check of every lab has passed. The course is done.' }),
      );
      return box;
    }
    const text = element('p');
    text.append(
      element('span', { className: 'course-home-label', textContent: 'Next' }),
      element('strong', { textContent: next.title }),
      element('span', { textContent: `in ${next.lab_title}` }),
    );
    const verb = next.lab_status === 'not started' ? 'Start' : 'Continue';
    box.append(
      text,
      this.button('next', verb, `${verb} with ${next.title}`, true, () =>
        this.actions.openLab(next.lab, next.heading),
      ),
    );
    return box;
  }

  module(module) {
    const id = `course-home-${module.name}`;
    const section = element('section', { className: 'course-home-module' });
    section.setAttribute('aria-labelledby', id);
    const head = element('div', { className: 'course-home-head' });
    head.append(element('h2', { id, textContent: [...step(module.name), module.title].join(' · ') }));
    if (module.reading) {
      head.append(
        this.button(`reading:${module.name}`, 'Reading', `Reading: ${module.title}`, false, () =>
          this.actions.openReading(module.reading),
        ),
      );
    }
    section.append(head);
    if (module.teaches) {
      section.append(element('p', { textContent: module.teaches }));
    }
    const list = element('ul', { className: 'course-home-labs' });
    list.setAttribute('role', 'list');
    list.append(...module.labs.map((lab) => this.card(lab)));
    section.append(list);
    return section;
  }

  card(lab) {
    const card = element('li', { className: 'course-home-card' });
    card.dataset.lab = lab.name;
    card.dataset.status = lab.status;
    const size = [points(lab.max_points)];
    if (lab.minutes) {
      size.push(`about ${number(lab.minutes)} minutes`);
    }
    const bar = element('progress', { max: lab.max_points || 1, value: lab.points });
    bar.setAttribute('aria-label', `Points in ${lab.title}`);
    const buttons = element('div', { className: 'course-home-buttons' });
    const verb = ACTION[lab.status];
    buttons.append(
      this.button(`lab:${lab.name}`, verb, `${verb}: ${lab.title}`, true, () =>
        this.actions.openLab(lab.name, ''),
      ),
    );
    if (lab.solution) {
      buttons.append(
        this.button(`solution:${lab.name}`, 'Solution', `Solution: ${lab.title}`, false, () =>
          this.actions.openNotebook(lab.solution),
        ),
      );
    }
    const text = element('div', { className: 'course-home-text' });
    text.append(
      element('h3', { textContent: lab.title }),
      element('p', {
        textContent: lab.teaches && `You will be able to ${uncapitalised(lab.teaches)}`,
      }),
      element('p', { className: 'course-home-small', textContent: size.join(' · ') }),
    );
    const state = element('div', { className: 'course-home-state' });
    state.append(
      element('p', {
        className: 'course-home-small',
        textContent: `${STATUS[lab.status]} · ${number(lab.points)} of ${points(lab.max_points)}`,
      }),
      bar,
      buttons,
    );
    card.append(text, state);
    return card;
  }

  button(key, text, label, primary, run) {
    const button = element('button', {
      type: 'button',
      className: primary ? 'course-home-primary' : 'course-home-secondary',
      textContent: text,
    });
    button.setAttribute('aria-label', label);
    button.dataset.key = key;
    button.addEventListener('click', async () => {
      try {
        await run();
      } catch (error) {
        this.actions.report(error);
      }
    });
    return button;
  }
}

function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/** Return the number that a module's folder begins with, if any: m3_data is 3. */
function step(name) {
  return (/^m(\d+)_/.exec(name) || []).slice(1);
}

function uncapitalised(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function number(value) {
  return String(Math.round(value * 100) / 100);
}

function points(value) {
  return `${number(value)} ${value === 1 ? 'point' : 'points'}`;
}
