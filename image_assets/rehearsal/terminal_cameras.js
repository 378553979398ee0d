// The stand-in of the camera site's page. Markup and habits are Element UI's: a date picker whose
// panel opens on a click, pictures that exist only once they are in view, and a history that is
// loaded further while somebody scrolls.

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August',
  'September', 'October', 'November', 'December'];
const WEEK = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const TERMINAL = location.pathname.split('/').pop();
const STREAM = new URLSearchParams(location.search).get('streamName') || 'in_gate';
const API = new URL(`../api/terminals/${TERMINAL}`, document.currentScript.src).href;

function element(tag, classes, ...children) {
  const made = document.createElement(tag);
  made.className = classes;
  made.append(...children);
  return made;
}

async function call(path) {
  const answer = await fetch(API + path);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

const iso = (year, month, day) =>
  `${year}-${String(month + 1).padStart(2, '0')}-${String(day).padStart(2, '0')}`;

const inView = new IntersectionObserver(seen => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    inView.unobserve(target);
    target.appear();
  }
}, { rootMargin: '100px' });

function picture({ src }) {
  const box = element('div', 'el-image', element('div', 'el-image__placeholder'));
  box.appear = () => {
    const image = new Image();
    image.onload = () => {
      const inner = element('img', 'el-image__inner');
      inner.src = src;
      box.replaceChildren(inner);
    };
    image.onerror = () => box.replaceChildren(element('div', 'el-image__error', 'FAILED'));
    image.src = src;
  };
  inView.observe(box);
  return box;
}

class History {
  constructor() {
    this.grid = element('div', 'grid');
    this.end = element('div', 'history-end');
    this.end.style.height = '1px';
    this.root = element('section', 'history', element('h3', '', 'History'), this.grid, this.end);
    this.asked = 0;
  }

  async show(date) {
    this.date = date;
    this.offset = 0;
    this.grid.replaceChildren();
    await this.more();
  }

  async more() {
    const turn = ++this.asked;
    const mask = element('div', 'el-loading-mask', 'Loading');
    this.end.before(mask);
    try {
      const { images, more } = await call(
        `/${STREAM}/history?date=${this.date}&offset=${this.offset}`);
      if (turn !== this.asked) return;
      this.offset += images.length;
      this.grid.append(...images.map(picture));
      this.end.appear = () => this.more();
      if (more) inView.observe(this.end);
    } finally {
      mask.remove();
    }
  }
}

class DatePicker {
  constructor({ first, last }, picked) {
    Object.assign(this, { first, last, picked });
    this.input = element('input', 'el-input__inner');
    this.input.placeholder = 'Pick a day';
    this.input.readOnly = true;
    this.input.onclick = () => this.open();
    this.root = element('div', 'el-date-editor el-input el-date-editor--date', this.input);
    this.panel = element('div', 'el-picker-panel el-date-picker el-popper');
    this.panel.style.display = 'none';
    document.body.append(this.panel);
    this.turn(Number(last.slice(0, 4)), Number(last.slice(5, 7)) - 1);
  }

  open() {
    const at = this.input.getBoundingClientRect();
    this.panel.style.left = `${at.left + scrollX}px`;
    this.panel.style.top = `${at.bottom + scrollY}px`;
    this.panel.style.display = '';
  }

  pick(date) {
    this.input.value = date;
    this.panel.style.display = 'none';
    return this.picked(date);
  }

  turn(year, month) {
    const first = new Date(Date.UTC(year, month, 1));
    Object.assign(this, { year: first.getUTCFullYear(), month: first.getUTCMonth() });
    const button = (side, icon, months) => {
      const made = element('button',
        `el-picker-panel__icon-btn el-date-picker__${side}-btn el-icon-${icon}`);
      made.textContent = { prev: '\u2039', next: '\u203a' }[side];
      made.onclick = () => this.turn(this.year, this.month + months);
      return made;
    };
    this.panel.replaceChildren(
      element('div', 'el-date-picker__header',
        button('prev', 'd-arrow-left', -12), button('prev', 'arrow-left', -1),
        element('span', 'el-date-picker__header-label', `${this.year} `),
        element('span', 'el-date-picker__header-label', MONTHS[this.month]),
        button('next', 'd-arrow-right', 12), button('next', 'arrow-right', 1)),
      element('div', 'el-picker-panel__content', this.table(first)));
  }

  table(first) {
    const rows = [element('tr', '', ...WEEK.map(name => element('th', '', name)))];
    const cell = new Date(first);
    cell.setUTCDate(1 - first.getUTCDay());
    for (let week = 0; week < 6; week++) {
      const row = element('tr', 'el-date-table__row');
      for (let day = 0; day < 7; day++, cell.setUTCDate(cell.getUTCDate() + 1)) {
        row.append(this.cell(cell.getUTCFullYear(), cell.getUTCMonth(), cell.getUTCDate()));
      }
      rows.push(row);
    }
    return element('table', 'el-date-table', element('tbody', '', ...rows));
  }

  cell(year, month, day) {
    const date = iso(year, month, day);
    const made = element('td', '', element('div', '', element('span', '', String(day))));
    const months = year * 12 + month - this.year * 12 - this.month;
    const offered = date >= this.first && date <= this.last;
    if (months) made.className = months < 0 ? 'prev-month' : 'next-month';
    else made.className = offered ? 'available' : 'normal';
    if (!offered) made.className += ' disabled';
    if (made.className === 'available') made.onclick = () => this.pick(date);
    return made;
  }
}

async function start() {
  const terminal = await call('');
  const live = element('div', 'grid');
  const history = new History();
  const picker = new DatePicker(terminal, date => history.show(date));
  const title = STREAM.split('_').map(word => word[0].toUpperCase() + word.slice(1)).join(' ');
  document.getElementById('app').append(
    element('section', 'live', element('h3', '', title), live), picker.root, history.root);
  const { images } = await call(`/${STREAM}/live`);
  live.append(...images.map(picture));
  await picker.pick(terminal.last);
}

start();
