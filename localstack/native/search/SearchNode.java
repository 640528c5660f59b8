import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.index.rankeval.RankEvalPlugin;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.join.ParentJoinPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.percolator.PercolatorPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.script.mustache.MustachePlugin;
import org.opensearch.search.aggregations.matrix.MatrixAggregationPlugin;
import org.opensearch.transport.Netty4Plugin;

/**
 * One OpenSearch node whose modules are on the class path, as the jars of a Maven repository are, instead of in a
 * distribution's folders. It has no authentication, so it refuses every address but the loopback one.
 *
 * <p>Usage: {@code SearchNode HOME CONFIG [setting=value ...]}; settings given here win over those in
 * {@code CONFIG/opensearch.yml}. Ends in order on SIGTERM, with exit status 1 when it cannot start.
 */
public final class SearchNode extends Node {
    private static final String NAME = "search-1";
    private static final long SECONDS_TO_CLOSE = 15;

    /** What the distribution keeps under {@code modules/}, as far as a shop's search needs it. */
    private static final List<Class<? extends Plugin>> MODULES = List.of(
        Netty4Plugin.class,
        CommonAnalysisPlugin.class,
        PainlessPlugin.class,
        MapperExtrasPlugin.class,
        ReindexPlugin.class,
        ParentJoinPlugin.class,
        PercolatorPlugin.class,
        RankEvalPlugin.class,
        MatrixAggregationPlugin.class,
        MustachePlugin.class,
        IngestCommonPlugin.class
    );

    private SearchNode(Environment environment) {
        super(environment, MODULES, true);
    }

    public static void main(String[] args) throws Exception {
        if (args.length < 2) {
            throw new IllegalArgumentException("usage: SearchNode HOME CONFIG [setting=value ...]");
        }
        Environment environment = environment(Path.of(args[0]), Path.of(args[1]), settings(args));
        configureLogging(environment);
        refuseOthersThanLoopback(environment.settings());
        run(new SearchNode(environment));
    }

    /** The settings on the command line. */
    private static Map<String, String> settings(String[] args) {
        Map<String, String> settings = new TreeMap<>();
        for (String pair : List.of(args).subList(2, args.length)) {
            int at = pair.indexOf('=');
            if (at < 1) {
                throw new IllegalArgumentException("not a setting=value pair: " + pair);
            }
            settings.put(pair.substring(0, at), pair.substring(at + 1));
        }
        return settings;
    }

    private static Environment environment(Path home, Path config, Map<String, String> settings) throws Exception {
        for (String folder : List.of("data", "logs", "modules", "plugins")) {
            Files.createDirectories(home.resolve(folder));
        }
        Settings base = Settings.builder().put("path.home", home.toAbsolutePath().toString()).build();
        return InternalSettingsPreparer.prepareEnvironment(base, settings, config.toAbsolutePath(), () -> NAME);
    }

    private static void configureLogging(Environment environment) throws Exception {
        LogConfigurator.registerErrorListener();
        LogConfigurator.setNodeName(Node.NODE_NAME_SETTING.get(environment.settings()));
        LogConfigurator.configure(environment);
    }

    /** Every {@code ...host} setting (network.host, http.bind_host and their like) has to mean this machine alone. */
    private static void refuseOthersThanLoopback(Settings settings) throws Exception {
        if (!settings.hasValue("network.host")) {
            throw new IllegalArgumentException("network.host is missing");
        }
        for (String key : settings.keySet()) {
            boolean names = key.endsWith(".host") || key.endsWith("_host");
            for (String host : names ? settings.getAsList(key) : List.<String>of()) {
                if (!InetAddress.getByName(host.replace("_local_", "127.0.0.1")).isLoopbackAddress()) {
                    throw new IllegalArgumentException(key + " is " + host + ", but this server has no passwords: 127.0.0.1 only");
                }
            }
        }
    }

    private static void run(SearchNode node) throws Exception {
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, closed), "close"));
        node.start();
        closed.await();
    }

    private static void close(SearchNode node, CountDownLatch closed) {
        try {
            node.close();
            if (!node.awaitClose(SECONDS_TO_CLOSE, TimeUnit.SECONDS)) {
                System.err.println("SearchNode: still busy after " + SECONDS_TO_CLOSE + " s, ending anyway");
            }
        } catch (Exception failure) {
            failure.printStackTrace();
        } finally {
            closed.countDown();
        }
    }
}
