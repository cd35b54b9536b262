// Starts Redoc on the document of this service, and asks nothing of any other. Redoc computes its colours once, so there
// are two themes; the place on the page is in the address.
const sans = 'system-ui, sans-serif';
const mono = 'ui-monospace, monospace';
const typography = {
  fontSize: '15px',
  fontFamily: sans,
  headings: { fontFamily: sans, fontWeight: '600' },
};
const light = {
  typography: { ...typography, code: { fontFamily: mono, wrap: true } },
  colors: { primary: { main: '#0a58ca', light: '#0a58ca' } },
};
const dark = {
  typography: {
    ...typography,
    code: { fontFamily: mono, wrap: true, color: '#ff9d96', backgroundColor: '#262c35' },
    links: { color: '#7ab3ff' },
  },
  colors: {
    primary: { main: '#2563eb', light: '#7ab3ff' },
    success: { main: '#6fd08c', light: '#8fdca6' },
    warning: { main: '#f0b95b', dark: '#f0b95b' },
    error: { main: '#ff8f88', light: '#ffaaa5' },
    gray: { 50: '#1d2128', 100: '#262c35' },
    text: { primary: '#e6e9ee', secondary: '#a9b3c1' },
    border: { dark: '#3a424e', light: '#2d333c' },
    responses: {
      success: { color: '#6fd08c', backgroundColor: '#17251d', tabTextColor: '#6fd08c' },
      error: { color: '#ff8f88', backgroundColor: '#2a1a1c', tabTextColor: '#ff8f88' },
      redirect: { color: '#f0b95b', backgroundColor: '#2a2317', tabTextColor: '#f0b95b' },
      info: { color: '#7cc4de', backgroundColor: '#16242b', tabTextColor: '#7cc4de' },
    },
  },
  schema: { linesColor: '#4a5a75', nestedBackground: '#1d2128' },
  sidebar: {
    backgroundColor: '#1a1e24',
    textColor: '#e6e9ee',
    activeTextColor: '#7ab3ff',
    groupItems: { activeBackgroundColor: '#262c35' },
    level1Items: { activeBackgroundColor: '#262c35' },
  },
  rightPanel: {
    backgroundColor: '#1a1f26',
    servers: {
      overlay: { backgroundColor: '#262c35', textColor: '#e6e9ee' },
      url: { backgroundColor: '#14171c' },
    },
  },
  codeBlock: { backgroundColor: '#0f1216' },
  fab: { backgroundColor: '#262c35', color: '#7ab3ff' },
  extensionsHook: (part) =>
    part === 'ConstraintItem' ? 'color: #7ab3ff; background: #1b2638; border-color: #30445f;' : '',
};

const isDark = matchMedia('(prefers-color-scheme: dark)');
isDark.addEventListener('change', () => location.reload());
const options = { theme: isDark.matches ? dark : light, nativeScrollbars: true };
window.Redoc.init('/openapi.json', options, document.getElementById('docs'));
