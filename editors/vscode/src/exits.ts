// The exits of a method, as the lens above it has them.

import type { Location } from "vscode-languageserver-types";

/** An exit, as the argument of the lens's command tells it. */
export interface Exit {
  readonly location: Location | null;
  /** Whether it is the end of the method. */
  readonly end: boolean;
  /** Its state in words. */
  readonly state: string;
  /** Whether it keeps the contract. */
  readonly set: boolean;
}

/** The argument of the lens's command. */
export interface Exits {
  readonly symbol: string;
  readonly contract: string;
  readonly exits: readonly Exit[];
}

/** An exit to choose. */
export interface Choice {
  readonly label: string;
  readonly description: string;
  readonly location: Location;
}

/** The exits, if these are the arguments of the lens. */
export function exitsOf(args: readonly unknown[]): Exits | undefined {
  const argument = args[0];
  const isLens =
    typeof argument === "object" && argument !== null && "exits" in argument && Array.isArray(argument.exits);
  return isLens ? (argument as Exits) : undefined;
}

/** What can be chosen, in the order of the lens. */
export function choices(exits: Exits): Choice[] {
  return exits.exits.flatMap((exit) => {
    if (exit.location === null) {
      return [];
    }
    const place = exit.end ? "the end" : `line ${String(exit.location.range.start.line + 1)}`;
    return [{ label: `$(${icon(exit)}) ${place}`, description: exit.state, location: exit.location }];
  });
}

function icon({ set, state }: Exit): string {
  if (set) {
    return "pass";
  }
  if (state.startsWith("not required")) {
    return "circle-slash";
  }
  return state.startsWith("not set") ? "error" : "question";
}
