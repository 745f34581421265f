/**
 * The one door to tfjs: every other module takes `tf` from here. The union package is imported
 * because it registers the gradients that tfjs-core alone lacks.
 */

import * as tf from "@tensorflow/tfjs";

// Without it tfjs prints an advertisement for its node package.
tf.enableProdMode();

export { tf };
