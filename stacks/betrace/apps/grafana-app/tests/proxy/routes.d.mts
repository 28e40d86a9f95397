export interface Route {
  path: string;
  url: string;
  method?: string;
  reqRole?: string;
  headers?: Array<{ name: string; content: string }>;
}

export interface Settings {
  jsonData: Record<string, unknown>;
  secureJsonData: Record<string, string>;
}

export function findRoute(routes: Route[], method: string, path: string): { route: Route; rest: string } | undefined;
export function allows(route: Route, role: string): boolean;
export function render(template: string, data: object): string;
export function target(
  route: Route,
  rest: string,
  settings: Settings
): { url: string; headers: Record<string, string> };
