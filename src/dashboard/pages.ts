/** The pages, as menus name them. */
export const PAGES = [
  { path: '/', name: 'Overview', group: 'Work' },
  { path: '/tasks', name: 'Tasks', group: 'Work' },
  { path: '/schedules', name: 'Schedules', group: 'Work' },
  { path: '/flows', name: 'Flows', group: 'Work' },
  { path: '/errors', name: 'Errors', group: 'Work' },
  { path: '/new', name: 'New task', group: 'Work' },
  { path: '/types', name: 'Types', group: 'Service' },
  { path: '/queues', name: 'Queues', group: 'Service' },
  { path: '/limits', name: 'Limits', group: 'Service' },
  { path: '/files', name: 'Files', group: 'Service' },
  { path: '/databases', name: 'Databases', group: 'Service' },
  { path: '/keys', name: 'Keys', group: 'Access' },
  { path: '/audit', name: 'Audit', group: 'Access' },
] as const;
