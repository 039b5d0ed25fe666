package millrace;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.util.CharTokenizer;
import org.apache.lucene.util.AttributeFactory;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.Plugin;

/**
 * Stands in for the module analysis-common, which the Elasticsearch that Maven has lacks: the tokenizer of our
 * `message`, and what the index of Elasticsearch's own security (API keys) is made with. For tests only.
 */
public final class AnalysisPlugin extends Plugin implements org.elasticsearch.plugins.AnalysisPlugin {
  @Override
  public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
    return Map.of(
        "char_group",
        (index, environment, name, settings) -> charGroup(name, settings),
        "uax_url_email",
        (index, environment, name, settings) -> TokenizerFactory.newFactory(name, UAX29URLEmailTokenizer::new));
  }

  @Override
  public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    return Map.of(
        "pattern_capture",
        (index, environment, name, settings) -> patternCapture(name, settings),
        "unique",
        (index, environment, name, settings) -> filter(name, UniqueFilter::new));
  }

  private static TokenizerFactory charGroup(String name, Settings settings) {
    Set<Integer> separators = new HashSet<>();
    for (String text : settings.getAsList("tokenize_on_chars")) {
      if (text.length() != 1) throw new IllegalArgumentException("this char_group takes single characters only");
      separators.add((int) text.charAt(0));
    }
    int lengthMax = settings.getAsInt("max_token_length", 255);
    return TokenizerFactory.newFactory(name, () -> tokenizer(separators, lengthMax));
  }

  private static Tokenizer tokenizer(Set<Integer> separators, int lengthMax) {
    return new CharTokenizer(AttributeFactory.DEFAULT_ATTRIBUTE_FACTORY, lengthMax) {
      @Override
      protected boolean isTokenChar(int codePoint) {
        return !separators.contains(codePoint);
      }
    };
  }

  private static TokenFilterFactory patternCapture(String name, Settings settings) {
    List<String> texts = settings.getAsList("patterns");
    Pattern[] patterns = texts.stream().map(Pattern::compile).toArray(Pattern[]::new);
    boolean original = settings.getAsBoolean("preserve_original", true);
    return filter(name, input -> new PatternCaptureGroupTokenFilter(input, original, patterns));
  }

  private interface Filter {
    TokenStream create(TokenStream input);
  }

  private static TokenFilterFactory filter(String name, Filter filter) {
    return new TokenFilterFactory() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public TokenStream create(TokenStream input) {
        return filter.create(input);
      }
    };
  }

  /** Each term once. */
  private static final class UniqueFilter extends TokenFilter {
    private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
    private final Set<String> seen = new HashSet<>();

    UniqueFilter(TokenStream input) {
      super(input);
    }

    @Override
    public boolean incrementToken() throws IOException {
      while (input.incrementToken()) if (seen.add(term.toString())) return true;
      return false;
    }

    @Override
    public void reset() throws IOException {
      super.reset();
      seen.clear();
    }
  }
}
