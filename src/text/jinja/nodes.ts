/**
 * The tree that @huggingface/jinja's parser makes of a template, as far as rendering reads it. The
 * library declares its classes but does not export them.
 */

/** Anything that can stand in an expression. */
export type Expression =
  | { type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { type: "StringLiteral"; value: string }
  | { type: "ArrayLiteral" | "TupleLiteral"; value: Expression[] }
  | { type: "ObjectLiteral"; value: Map<Expression, Expression> }
  | Identifier
  | CallExpression
  | MemberExpression
  | BinaryExpression
  | { type: "UnaryExpression"; operator: { value: string }; argument: Expression }
  | { type: "FilterExpression"; operand: Expression; filter: FilterNode }
  | { type: "TestExpression"; operand: Expression; negate: boolean; test: Identifier }
  | { type: "SelectExpression"; lhs: Expression; test: Expression }
  | { type: "Ternary"; condition: Expression; trueExpr: Expression; falseExpr: Expression };

/** A name. */
export type Identifier = { type: "Identifier"; value: string };

/** A call of a function, a method or a macro. */
export type CallExpression = { type: "CallExpression"; callee: Expression; args: Argument[] };

/** a.b, a[b] or a[b:c:d]. */
export type MemberExpression = {
  type: "MemberExpression";
  object: Expression;
  property: Expression | SliceExpression;
  computed: boolean;
};

/** start:stop:step. */
export type SliceExpression = {
  type: "SliceExpression";
  start?: Expression;
  stop?: Expression;
  step?: Expression;
};

/** Two operands and what joins them. */
export type BinaryExpression = {
  type: "BinaryExpression";
  operator: { value: string };
  left: Expression;
  right: Expression;
};

/** A filter with or without arguments. */
export type FilterNode = Identifier | CallExpression;

/** What stands between the brackets of a call. */
export type Argument =
  | Expression
  | KeywordArgument
  | { type: "SpreadExpression"; argument: Expression }
  | { type: "KeywordSpreadExpression"; argument: Expression };

/** name = value. */
export type KeywordArgument = {
  type: "KeywordArgumentExpression";
  key: Identifier;
  value: Expression;
};

/** A macro's parameter. */
export type Parameter = Identifier | KeywordArgument;

/** for target in iterable. */
export type ForStatement = {
  type: "For";
  loopvar: Identifier | { type: "TupleLiteral"; value: Expression[] };
  iterable: Expression;
  body: Statement[];
  defaultBlock: Statement[];
};

/** set target = value, or a block whose text is the value. */
export type SetStatement = {
  type: "Set";
  assignee: Expression;
  value: Expression | null;
  body: Statement[];
};

/** A macro's definition. */
export type MacroStatement = {
  type: "Macro";
  name: Identifier;
  args: Parameter[];
  body: Statement[];
};

/** A block that is given to a macro as its caller. */
export type CallStatement = {
  type: "CallStatement";
  call: CallExpression;
  callerArgs: Parameter[] | null;
  body: Statement[];
};

/** Anything that can stand in a template; text is a StringLiteral. */
export type Statement =
  | Expression
  | ForStatement
  | SetStatement
  | MacroStatement
  | CallStatement
  | { type: "If"; test: Expression; body: Statement[]; alternate: Statement[] }
  | { type: "FilterStatement"; filter: FilterNode; body: Statement[] }
  | { type: "Break" | "Continue" | "Comment" };
