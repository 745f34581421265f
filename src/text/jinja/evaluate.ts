/**
 * Renders a parsed template as Python's Jinja does under transformers' settings. It reads what the
 * library's parser made; how values behave is said in the files beside it. A rendering changes
 * nothing but its own scopes.
 */

import { getAttribute, getItem } from "./attributes.ts";
import { applyFilter } from "./filters.ts";
import { bindMacro, loopVariable } from "./macro.ts";
import type {
  Argument,
  BinaryExpression,
  CallExpression,
  CallStatement,
  Expression,
  FilterNode,
  ForStatement,
  MemberExpression,
  Parameter,
  SetStatement,
  Statement,
} from "./nodes.ts";
import { binary, slice, unary } from "./operators.ts";
import { Scope } from "./scope.ts";
import { runTest } from "./tests.ts";
import {
  Attributes,
  type Callable,
  type Dict,
  Float,
  isTrue,
  iterate,
  JinjaError,
  Tuple,
  typeName,
  Undefined,
  undefinedError,
  type Value,
} from "./values.ts";
import { str } from "./write.ts";

class LoopControl extends Error {
  constructor(readonly kind: "Break" | "Continue", readonly written: string) {
    super(kind);
  }
}

/** Renders statements and gives their text. */
export function renderStatements(body: readonly Statement[], scope: Scope): string {
  let text = "";
  for (const statement of body) {
    try {
      text += renderStatement(statement, scope);
    } catch (error) {
      // What a body wrote before it broke off belongs to the text.
      if (error instanceof LoopControl) throw new LoopControl(error.kind, text + error.written);
      throw error;
    }
  }
  return text;
}

function renderStatement(node: Statement, scope: Scope): string {
  switch (node.type) {
    case "Comment":
      return "";
    case "Break":
    case "Continue":
      throw new LoopControl(node.type, "");
    case "If":
      return renderStatements(
        isTrue(evaluate(node.test, scope)) ? node.body : node.alternate,
        scope,
      );
    case "For":
      return renderFor(node, scope);
    case "Set":
      runSet(node, scope);
      return "";
    case "Macro":
      scope.set(node.name.value, macro(node.name.value, node.args, node.body, scope));
      return "";
    case "CallStatement":
      return renderCall(node, scope);
    case "FilterStatement":
      return str(filtered(renderStatements(node.body, new Scope(scope)), node.filter, scope));
    default:
      return str(evaluate(node, scope));
  }
}

function renderFor(node: ForStatement, scope: Scope): string {
  const select = node.iterable.type === "SelectExpression" ? node.iterable : undefined;
  const all = iterate(evaluate(select?.lhs ?? node.iterable, scope));
  const inner = (item: Value) => {
    const iteration = new Scope(scope);
    assign(node.loopvar, item, iteration);
    return iteration;
  };
  const items = select === undefined ? all : all.filter((item) => {
    scope.step(null);
    return isTrue(evaluate(select.test, inner(item)));
  });
  if (items.length === 0) return renderStatements(node.defaultBlock, new Scope(scope));
  const changes: { last?: Value } = {};
  let text = "";
  for (let at = 0; at < items.length; at++) {
    scope.step(null);
    const iteration = inner(items[at]!);
    iteration.set("loop", loopVariable(items, at, changes));
    try {
      text += scope.step(renderStatements(node.body, iteration));
    } catch (error) {
      if (!(error instanceof LoopControl)) throw error;
      text += error.written;
      if (error.kind === "Break") break;
    }
  }
  return text;
}

function runSet(node: SetStatement, scope: Scope): void {
  const value = node.value === null
    ? renderStatements(node.body, new Scope(scope))
    : evaluate(node.value, scope);
  assign(node.assignee, value, scope);
}

function assign(target: Expression, value: Value, scope: Scope): void {
  if (target.type === "Identifier") return scope.set(target.value, value);
  if (target.type === "TupleLiteral") {
    const items = iterate(value);
    if (items.length !== target.value.length) {
      throw new JinjaError(
        `cannot unpack ${items.length} values into ${target.value.length} names`,
      );
    }
    return target.value.forEach((part, at) => assign(part, items[at]!, scope));
  }
  if (
    target.type !== "MemberExpression" || target.computed || target.property.type !== "Identifier"
  ) {
    throw new JinjaError("only names and attributes of namespaces can be set");
  }
  const object = evaluate(target.object, scope);
  if (!(object instanceof Attributes) || !object.writable) {
    throw new JinjaError("cannot assign attribute on non-namespace object");
  }
  object.map.set(target.property.value, value);
}

function macro(
  name: string,
  parameters: readonly Parameter[],
  body: readonly Statement[],
  scope: Scope,
): Callable {
  return (args, keywords) => {
    scope.step(null);
    const inner = bindMacro(
      { name, parameters, body },
      { args, keywords },
      new Scope(scope),
      evaluate,
    );
    return renderStatements(body, inner);
  };
}

function renderCall(node: CallStatement, scope: Scope): string {
  const called = evaluate(node.call.callee, scope);
  if (typeof called !== "function") {
    throw new JinjaError(`'${typeName(called)}' object is not callable`);
  }
  const { args, keywords } = evaluateArguments(node.call.args, scope);
  keywords.set("caller", macro("caller", node.callerArgs ?? [], node.body, scope));
  return str(called(args, keywords));
}

/** Gives an expression's value. */
export function evaluate(node: Expression, scope: Scope): Value {
  switch (node.type) {
    case "IntegerLiteral":
    case "StringLiteral":
      return node.value;
    case "FloatLiteral":
      return new Float(node.value);
    case "ArrayLiteral":
      return node.value.map((item) => evaluate(item, scope));
    case "TupleLiteral":
      return new Tuple(node.value.map((item) => evaluate(item, scope)));
    case "ObjectLiteral":
      return dictOf(node.value, scope);
    case "Identifier":
      return scope.get(node.value);
    case "CallExpression":
      return call(node, scope);
    case "MemberExpression":
      return member(node, scope);
    case "UnaryExpression":
      return unary(node.operator.value, evaluate(node.argument, scope));
    case "BinaryExpression":
      return combine(node, scope);
    case "FilterExpression":
      return filtered(evaluate(node.operand, scope), node.filter, scope);
    case "TestExpression":
      return runTest(node.test.value, evaluate(node.operand, scope), []) !== node.negate;
    case "SelectExpression":
      return isTrue(evaluate(node.test, scope))
        ? evaluate(node.lhs, scope)
        : new Undefined("the value of an if without else");
    case "Ternary":
      return evaluate(
        isTrue(evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr,
        scope,
      );
  }
}

function dictOf(entries: Map<Expression, Expression>, scope: Scope): Dict {
  const pairs = [...entries].map(([key, value]) =>
    [evaluate(key, scope), evaluate(value, scope)] as const
  );
  for (const [key] of pairs) {
    if (typeof key === "object" && key !== null) {
      throw new JinjaError(`a ${typeName(key)} cannot be a key`);
    }
  }
  return new Map(pairs);
}

function combine(node: BinaryExpression, scope: Scope): Value {
  const operator = node.operator.value;
  const left = evaluate(node.left, scope);
  if (operator === "and") return isTrue(left) ? evaluate(node.right, scope) : left;
  if (operator === "or") return isTrue(left) ? left : evaluate(node.right, scope);
  return binary(operator, left, evaluate(node.right, scope));
}

function filtered(value: Value, filter: FilterNode, scope: Scope): Value {
  if (filter.type === "Identifier") {
    return scope.step(applyFilter(filter.value, value, [], new Map()));
  }
  if (filter.callee.type !== "Identifier") throw new JinjaError("a filter must be a name");
  const { args, keywords } = evaluateArguments(filter.args, scope);
  return scope.step(applyFilter(filter.callee.value, value, args, keywords));
}

function call(node: CallExpression, scope: Scope): Value {
  const called = evaluate(node.callee, scope);
  if (called instanceof Undefined) throw undefinedError(called);
  if (typeof called !== "function") {
    throw new JinjaError(`'${typeName(called)}' object is not callable`);
  }
  const { args, keywords } = evaluateArguments(node.args, scope);
  return scope.step(called(args, keywords));
}

function evaluateArguments(
  nodes: readonly Argument[],
  scope: Scope,
): { args: Value[]; keywords: Map<string, Value> } {
  const args: Value[] = [];
  const keywords = new Map<string, Value>();
  for (const node of nodes) {
    if (node.type === "SpreadExpression") args.push(...iterate(evaluate(node.argument, scope)));
    else if (node.type === "KeywordArgumentExpression") {
      keywords.set(node.key.value, evaluate(node.value, scope));
    } else if (node.type === "KeywordSpreadExpression") {
      const more = evaluate(node.argument, scope);
      if (!(more instanceof Map)) throw new JinjaError("** takes a dict");
      for (const [key, value] of more) keywords.set(str(key), value);
    } else args.push(evaluate(node, scope));
  }
  return { args, keywords };
}

function member(node: MemberExpression, scope: Scope): Value {
  const object = evaluate(node.object, scope);
  const { property } = node;
  if (property.type === "SliceExpression") {
    const bounds = [property.start, property.stop, property.step];
    return slice(object, bounds.map((bound) => bound && evaluate(bound, scope)));
  }
  if (node.computed) return getItem(object, evaluate(property, scope));
  if (property.type === "Identifier") return getAttribute(object, property.value);
  return getItem(object, evaluate(property, scope));
}
