// Services and the calls between them, as the map shows them.
import type { EdgeRates, Rates, ServiceRates } from '../api/rates';

export interface Node {
  name: string;
  /** Exchanges that it answered; null: it only calls others. */
  rates: Rates | null;
  /** False: only its callers tell of it. */
  observed: boolean;
}

export interface Graph {
  nodes: Node[];
  edges: EdgeRates[];
}

export function errorShare(of: { count: number; errors: number }): number {
  return of.count > 0 ? of.errors / of.count : 0;
}

export function makeGraph(services: ServiceRates[], edges: EdgeRates[]): Graph {
  const nodes = new Map<string, Node>();
  for (const one of services)
    nodes.set(one.service, { name: one.service, rates: one.count > 0 ? one : null, observed: true });
  for (const edge of edges) {
    for (const name of [edge.client, edge.server])
      if (!nodes.has(name))
        nodes.set(name, { name, rates: null, observed: name === edge.client || edge.observed });
  }
  return { nodes: [...nodes.values()].sort((one, other) => (one.name < other.name ? -1 : 1)), edges };
}

/** The service, who calls it and whom it calls. */
export function around(graph: Graph, name: string): Graph {
  const names = new Set([name]);
  for (const edge of graph.edges) {
    if (edge.client === name) names.add(edge.server);
    if (edge.server === name) names.add(edge.client);
  }
  return {
    nodes: graph.nodes.filter((node) => names.has(node.name)),
    edges: graph.edges.filter((edge) => edge.client === name || edge.server === name),
  };
}

/** What the layout depends on: rates may change without anything moving. */
export function shapeKey(graph: Graph): string {
  const edges = graph.edges.map((edge) => `${edge.client}>${edge.server}`).sort();
  return `${graph.nodes.map((node) => node.name).join('|')}#${edges.join('|')}`;
}
