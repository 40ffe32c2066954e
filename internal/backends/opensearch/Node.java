// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.transport.Netty4Plugin;

/**
 * One OpenSearch node on the loopback interface, of the jars of Maven Central alone, for the
 * end-to-end tests: the server itself, its HTTP transport, its analyzers and its scripts. It has
 * none of the plugins of a release, such as security. Its arguments are settings, name=value.
 */
final class Node extends org.opensearch.node.Node {
  private Node(Settings settings) {
    super(
        InternalSettingsPreparer.prepareEnvironment(settings, java.util.Map.of(), null, () -> "e2e"),
        List.of(Netty4Plugin.class, CommonAnalysisPlugin.class, PainlessPlugin.class),
        false);
  }

  public static void main(String[] args) throws Exception {
    Settings.Builder settings =
        Settings.builder()
            .put("cluster.name", "e2e")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("transport.port", "0")
            .put("http.max_content_length", "100mb");
    for (String arg : args) {
      String[] setting = arg.split("=", 2);
      settings.put(setting[0], setting[1]);
    }
    Node node = new Node(settings.build());
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    node.close();
                    node.awaitClose(10, TimeUnit.SECONDS);
                  } catch (Exception e) {
                    e.printStackTrace();
                  }
                  stopped.countDown();
                }));
    node.start();
    stopped.await();
  }
}
