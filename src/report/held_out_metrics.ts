/** The figures of held-out pairs that pages and cards show. */

/** Metrics in the order of the table, with what they are in plain words. */
export const HELD_OUT_METRICS: readonly [name: string, meaning: string][] = [
  ["rewards/accuracies", "pairs whose chosen answer is likelier"],
  ["log_odds_accuracies", "pairs whose log odds ratio is above 0"],
  ["logps/chosen", "mean log-probability a token, chosen"],
  ["logps/rejected", "mean log-probability a token, rejected"],
  ["rewards/chosen", "beta times the chosen log-probability"],
  ["rewards/rejected", "beta times the rejected log-probability"],
  ["rewards/margins", "their difference"],
  ["log_odds_chosen", "mean log odds ratio"],
  ["log_odds_ratio", "mean log sigmoid of it"],
  ["delta", "what is left to learn, 1 to 0"],
  ["nll_loss", "negative log-likelihood a token"],
  ["loss", "NLL less beta times log_odds_ratio"],
  ["perplexity/chosen", "of the chosen answers"],
  ["perplexity/rejected", "of the rejected answers"],
];
