import { IconActivity, IconChartBar, IconListCheck, IconShieldExclamation } from '@tabler/icons-react';
import { NavLink } from 'react-router';
import classes from './Shell.module.css';

const pages = [
  { href: '/', label: 'Dashboard', icon: IconChartBar },
  { href: '/rules', label: 'Rules', icon: IconListCheck },
  { href: '/violations', label: 'Violations', icon: IconShieldExclamation },
  { href: '/status', label: 'Status', icon: IconActivity },
];

export function Nav() {
  return (
    <nav className={classes.nav} aria-label="Pages">
      <ul>
        {pages.map(({ href, label, icon: PageIcon }) => (
          <li key={href}>
            <NavLink to={href} end={href === '/'} className={classes.link ?? ''}>
              <PageIcon size={22} stroke={1.7} aria-hidden />
              {label}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
