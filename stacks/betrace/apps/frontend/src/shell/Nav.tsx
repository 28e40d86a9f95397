import { IconActivity, IconChartBar, IconListCheck, IconShieldExclamation } from '@tabler/icons-react';
import { Link, useLocation } from 'wouter';
import classes from './Shell.module.css';

const pages = [
  { href: '/', label: 'Dashboard', icon: IconChartBar },
  { href: '/rules', label: 'Rules', icon: IconListCheck },
  { href: '/violations', label: 'Violations', icon: IconShieldExclamation },
  { href: '/status', label: 'Status', icon: IconActivity },
];

export function Nav() {
  const [path] = useLocation();
  const isCurrent = (href: string) => (href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`));
  return (
    <nav className={classes.nav} aria-label="Pages">
      <ul>
        {pages.map(({ href, label, icon: PageIcon }) => (
          <li key={href}>
            <Link href={href} className={classes.link ?? ''} aria-current={isCurrent(href) ? 'page' : undefined}>
              <PageIcon size={22} stroke={1.7} aria-hidden />
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
